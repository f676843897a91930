"""What our logs say of errors: where they come from, and nothing that is secret or private. Pure."""

from __future__ import annotations

from .errors import RenvaultError


def loggable(error: BaseException) -> str:
    """Return what a log may say of an error: its text without secrets, topics and accounts, on one line.

    For one that is not ours its type and its place come first. A traceback would quote the text as it is.
    """
    from .redaction import anonymous_text  # errors are rare: no boot waits for its patterns

    text = anonymous_text(str(error))
    if isinstance(error, RenvaultError):
        return text
    place, trace = "", error.__traceback__
    while trace is not None:
        place = f" in {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}: {text}"
