"""Memory limits of control groups, as the kernel's files state them."""

import math

import pytest

from iris_harness.cgroups import measure_cgroups

NAMES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    2: ("memory.max", "memory.current", ""),
}
UNLIMITED = {1: "9223372036854771712", 2: "max"}


def write_group(folder, version, limit, usage=0, cache=0):
    """Write the files of one group as the kernel has them."""
    folder.mkdir(parents=True, exist_ok=True)
    most, used, prefix = NAMES[version]
    (folder / most).write_text(f"{limit}\n")
    (folder / used).write_text(f"{usage}\n")
    counts = f"{prefix}active_file {cache // 2}\n{prefix}inactive_file {cache // 2}\n"
    (folder / "memory.stat").write_text(f"anon 7\n{counts}")


def write_own(tmp_path, version, path):
    own = tmp_path / "own"
    own.write_text({1: f"5:devices:/\n4:cpu,memory:{path}\n0::/\n", 2: f"0::{path}\n"}[version])
    return own


def place(tmp_path, version):
    return tmp_path / "fs" / "memory" if version == 1 else tmp_path / "fs"


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_group_above_the_process_decides(tmp_path, version):
    """The job allows 8 GB of which 3 GB are used, 1 GB for cached files; its own step 16 GB, all free."""
    top = place(tmp_path, version)
    write_group(top / "job", version, 8 * 10**9, 3 * 10**9, 10**9)
    write_group(top / "job" / "step", version, 16 * 10**9)
    write_group(top / "other", version, 10**6)
    assert measure_cgroups(tmp_path / "fs", write_own(tmp_path, version, "/job/step")) == (8e9, 6e9)


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_that_sees_its_group_as_the_root(tmp_path, version):
    """The path is that of the host, and does not exist inside."""
    write_group(place(tmp_path, version), version, 2 * 10**9, 5 * 10**8)
    own = write_own(tmp_path, version, "/docker/abc")
    assert measure_cgroups(tmp_path / "fs", own) == (2e9, 1.5e9)


@pytest.mark.parametrize("version", [1, 2])
def test_no_limit(tmp_path, version):
    write_group(place(tmp_path, version), version, UNLIMITED[version], 10**9)
    limit, room = measure_cgroups(tmp_path / "fs", write_own(tmp_path, version, "/"))
    assert min(limit, room) > 1e18


def test_a_system_without_control_groups(tmp_path):
    assert measure_cgroups(tmp_path, tmp_path / "none") == (math.inf, math.inf)
