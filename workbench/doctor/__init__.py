"""Checks of this machine, the AWS account and a stack, before and after a deployment."""
