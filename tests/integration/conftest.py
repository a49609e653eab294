"""What integration tests share: the region that is served, made once per process; a store of objects on this machine."""

from collections.abc import Iterator

import pytest

from tests.integration import served as region_served
from tests.integration.object_store import ObjectStore


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> region_served.Served:
    """The served region with an account for every role."""
    return region_served.shared(tmp_path_factory)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """A store for the tests of a module, reached by the keys in the environment."""
    with ObjectStore() as opened, pytest.MonkeyPatch.context() as patch:
        for name, value in opened.environment.items():
            patch.setenv(name, value)
        yield opened


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test the store does again what it is asked to."""
    yield
    if "store" in request.fixturenames:
        request.getfixturevalue("store").calm()


@pytest.fixture
def bucket(store: ObjectStore) -> str:
    """The name of an empty bucket."""
    return store.bucket()
