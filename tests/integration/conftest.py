"""What integration tests share: the region that is served, made once per process."""

import pytest

from tests.integration import served as region_served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> region_served.Served:
    """The served region with an account for every role."""
    return region_served.shared(tmp_path_factory)
