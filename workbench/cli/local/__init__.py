"""`ofn demo`, `ofn serve` and `ofn received`: the stack on this machine."""
