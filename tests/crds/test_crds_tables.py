"""The committed tables of the plugin are those the contract generates."""

import json
from importlib import resources
from pathlib import Path

import pytest

from iris_contract.keywords import load_keywords
from iris_contract.reftypes import load_reference_types
from iris_reduction.crds_tables import build_tables, rule_header, write_tables

PLUGIN = Path(str(resources.files("tmt_crds").joinpath("tmt")))


def test_committed_tables_are_fresh() -> None:
    tables = build_tables()
    stale = [name for name, text in tables.items() if (PLUGIN / name).read_text("utf-8") != text]
    assert not stale, "run python -m iris_reduction.crds_tables"
    assert {path.relative_to(PLUGIN).as_posix() for path in PLUGIN.glob("tpns/*")} == {
        name for name in tables if name.startswith("tpns/")
    }


def test_write_tables_removes_stale_constraints(tmp_path: Path) -> None:
    (tmp_path / "tpns").mkdir()
    (tmp_path / "tpns" / "iris_old.tpn").write_text("")
    written = write_tables(tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p in written} == set(build_tables())
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == set(written)


def test_specs_cover_every_type_and_name_existing_constraints() -> None:
    specs = json.loads(build_tables()["specs/combined_specs.json"])
    assert set(specs["iris"]) == {"all", *load_reference_types()}
    assert {"all", "pars"} <= set(specs["all"])
    for kind in load_reference_types():
        assert f"tpns/{specs['iris'][kind]['tpn']}" in build_tables()


@pytest.mark.parametrize(("kind", "rule"), [("dark", "ClosestTime"), ("mask", "UseAfter")])
def test_rules_follow_the_table(kind: str, rule: str) -> None:
    entry = load_reference_types()[kind]
    header = rule_header(entry)
    assert header["classes"] == ("Match", rule)
    assert header["parkey"][0] == tuple(load_keywords()[k].path for k in entry.match)


def test_a_type_without_match_keys_matches_the_instrument() -> None:
    assert rule_header(load_reference_types()["env"])["parkey"][0] == ("META.INSTRUMENT.NAME",)


def test_allowed_values_stay_distinct_in_upper_case_and_hold_no_separator() -> None:
    """Constraints and rules compare in upper case and separate by comma and bar."""
    for keyword in load_keywords().values():
        values = [value.upper() for value in keyword.allowed]
        assert len(set(values)) == len(values)
        assert not any(mark in value for value in values for mark in ",| ")


def test_constraints_speak_only_of_what_a_reference_has() -> None:
    """`crds` skips, in silence, a constraint with a name that it does not know."""
    from crds.certify.validators.core import expr_identifiers
    from crds.core.generic_tpn import load_tpn

    for kind in load_reference_types().values():
        known = {f"{hdu.name}_ARRAY" for hdu in kind.hdus} | {"META_SUBARRAY_XSIZE", "META_SUBARRAY_YSIZE"}
        expressions = [
            info.values[0] for info in load_tpn(str(PLUGIN / f"tpns/iris_{kind.kind}.tpn")) if info.datatype == "X"
        ]
        assert len(expressions) >= len(kind.hdus)
        for expression in expressions:
            assert set(expr_identifiers(expression)) <= known
