"""N1: markers, primary site and symptoms are asked for and never block."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table

HINDGUT = ("descending_colon", "sigmoid", "rectum", "anal_canal")
ELSEWHERE = ("ileum", "appendix", "cecum", "ascending_colon", "transverse_colon", "pancreas", "stomach", "lung")


@pytest.mark.verifies("R4", "R5", "R7", "R8", "A13", "A14", "A15")
@table(
    Case(
        name="chromogranin A missing", facts={"cga": None},
        state="treat", asked="W-CGA", offered="T-RESECT T-ABLATE", info="",
        why="markers never block, and do not make the advice provisional",
    ),
    Case(
        name="serotonin missing", facts={"platelet_serotonin": None},
        state="treat", asked="W-SEROT", offered="T-RESECT T-ABLATE",
        why="a small-bowel primary makes serotonin",
    ),
    Case(
        name="primary not known", facts={"primary_site": None, "platelet_serotonin": None},
        state="treat", asked="W-PRIM W-SEROT", offered="T-RESECT T-ABLATE", info="", follow_up="F-CGA F-SEROT",
        why="no known site does not prove hindgut: ask for both",
    ),
    Case(
        name="syndrome not known", facts={"carcinoid_syndrome": None},
        state="provisional", asked="W-SYMPT", offered="T-RESECT T-ABLATE", withheld="",
        why="asked in round 1; only this one of N1 makes the advice provisional",
    ),
    Case(
        name="rectal primary, serotonin missing", facts={"primary_site": "rectum", "platelet_serotonin": None},
        state="treat", asked="", info="I-NOSEROT", follow_up="F-CGA",
        why="no serotonin is produced: not asked, not followed",
    ),
    Case(
        name="rectal primary, serotonin measured", facts={"primary_site": "rectum"},
        asked="", info="I-NOSEROT", follow_up="F-CGA",
        why="for every hindgut primary",
    ),
    Case(
        name="rectal primary, chromogranin A missing", facts={"primary_site": "rectum", "cga": None},
        asked="W-CGA", info="I-NOSEROT",
        why="hindgut: chromogranin A only",
    ),
    Case(
        name="rectal primary, high grade", facts={"primary_site": "rectum", "ki67_percent": 50},
        state="refer", info="I-NOSEROT",
        why="also in refer",
    ),
)  # fmt: skip
def test_markers_are_asked_and_do_not_block(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R2", "R6", "A14")
@pytest.mark.parametrize("site", HINDGUT)
def test_hindgut_makes_no_serotonin(site: str) -> None:
    check(
        Case(
            name=site,
            facts={"primary_site": site, "platelet_serotonin": None},
            why="R2",
            asked="",
            info="I-NOSEROT",
            follow_up="F-CGA",
        )
    )


@pytest.mark.verifies("R2", "R4")
@pytest.mark.parametrize("site", ELSEWHERE)
def test_every_other_site_counts_as_a_possible_producer(site: str) -> None:
    check(
        Case(
            name=site,
            facts={"primary_site": site, "platelet_serotonin": None},
            why="5.1",
            asked="W-SEROT",
            info="",
            follow_up="F-CGA F-SEROT",
        )
    )
