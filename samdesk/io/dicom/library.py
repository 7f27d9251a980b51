"""The one way to pydicom: imported when it is needed, and told to keep values to itself."""

from types import ModuleType


def pydicom() -> ModuleType:
    """Give pydicom, set so that a value which breaks a rule is neither logged nor warned about.

    Its messages quote the value, which may be a name; what matters is checked by samdesk itself.
    """
    import pydicom as library

    library.config.settings.reading_validation_mode = library.config.IGNORE
    return library
