"""Commands that repair the stored data of a stack."""
