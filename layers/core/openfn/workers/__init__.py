"""Workers: processes that execute jobs, and the supervisor that starts, stops and watches them."""
