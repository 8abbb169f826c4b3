"""What goes wrong with data: one exception family, so that a caller can catch all of it."""


class DataError(ValueError):
    """Data that cannot be used as it is; the message says what was expected, what was found, what to do."""


class MissingDataError(DataError):
    """Data that is not on this machine; the message says what was looked for, where, and how to get it."""
