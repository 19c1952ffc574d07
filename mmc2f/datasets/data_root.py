"""One wording for data that is not where the config says."""

from mmengine.fileio import get_file_backend

__all__ = ['DATA_HINT', 'require_folder']

#: How a user points a config at the data.
DATA_HINT = (
    'set the environment variable MMC2F_DATA to the folder that holds the '
    'data sets, or data_root in the config'
)


def require_folder(path: str, what: str) -> None:
    """Check that a folder exists.

    Args:
        path: The folder.
        what: What it holds, for the message.

    Raises:
        FileNotFoundError: It does not; says how to mend it.
    """
    if not get_file_backend(path).isdir(path):
        raise FileNotFoundError(
            f'the {what} folder {path!r} does not exist; {DATA_HINT}'
        )
