"""The read side: lists, summaries and details of messages and runs, and replays."""
