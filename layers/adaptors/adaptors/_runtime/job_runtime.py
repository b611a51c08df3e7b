"""Connect an attempt at a job with the adaptors: run context, dry run, emit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from adaptors._runtime import emit, late_imports, run_context, token_store


class AdaptorRuntime:
    """Connects an attempt to these adaptors; `openfn.jobs.runtime` has the protocol."""

    missing_is_null = False
    """Whether a path that finds nothing is null, and not absent: `missing: null`."""

    timezone = "UTC"
    """The time zone of cursors that name none."""

    def run_context(
        self, run_id: str, began: datetime, adaptor: str = "", folder: Path | None = None
    ) -> AbstractContextManager[None]:
        """Let adaptors know the run, when it began, its credential's adaptor and its folder."""
        return run_context.run_context(
            run_id,
            began,
            missing_is_null=self.missing_is_null,
            timezone=self.timezone,
            adaptor=adaptor,
            folder=folder,
        )

    def emit_to(self, receive: Callable[[str, str], object]) -> AbstractContextManager[None]:
        """Pass inbox and body (JSON text) of each emitted message to `receive`."""
        return emit.emit_to(receive)

    def tokens(
        self, ask: token_store.Ask, on_secret: token_store.OnSecret
    ) -> AbstractContextManager[None]:
        """Let adaptors ask for stored tokens, and report the tokens that they fetch."""
        return token_store.use(ask, on_secret)

    def attempt(self) -> AbstractContextManager[Callable[[], bool]]:
        """Commit the adaptors' work at the end, or roll it back after an error."""
        return run_context.attempt()

    def late_imports(
        self, adaptors: Collection[str], names: Collection[str], texts: Collection[str]
    ) -> Iterable[str]:
        """Return the modules that jobs with these adaptors, names and texts import late."""
        return late_imports.modules(adaptors, names, texts)
