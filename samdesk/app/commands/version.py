"""`samdesk --version`: the program, its build, and the models it would use."""

from samdesk.app import build, paths


def tell() -> None:
    """Print version, build and installed models."""
    from samdesk.model.shelf import Shelf

    print(build.words())
    for info in Shelf(paths.models_folders()).list():
        print(f"model {info.id} {info.version} ({info.modality.value}, {info.method})")
