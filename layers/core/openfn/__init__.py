"""The code that the three Lambda functions share."""
