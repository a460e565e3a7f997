"""``python -m hyper_ir.encode.query`` as users call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.encode.query import main


def flags(topics: Path, output: Path, model: Path) -> list[str]:
    return [
        *("--topics", str(topics), "--output", str(output), "--encoder", str(model)),
        *("--max-length", "32", "--device", "cpu"),
    ]


@pytest.mark.parametrize(
    ("name", "ids", "warning"),
    [
        ("t.tsv", ["007", "8"], "takes 1 topic id for integers .* without leading zeros (007); "),
        ("t.tsv", ["00", "+1", "-02"], "takes 3 topic ids for integers .* (00, +1, -02); "),
        ("t.tsv", ["0", "7", "-7", "q01", "0x1", "1_0", "²"], ""),
        ("t.jsonl", ["007"], ""),  # it holds vectors by text; ids come from the topics' own file
    ],
)
def test_ids_that_stock_pyserini_would_change_are_told(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    ids: list[str],
    warning: str,
) -> None:
    (tmp_path / "topics.tsv").write_text("".join(f"{id}\tzebras\n" for id in ids))
    main(flags(tmp_path / "topics.tsv", tmp_path / name, model))
    printed = capsys.readouterr()
    assert f"{len(ids)} topic{'s' if len(ids) > 1 else ''}, " in printed.out
    assert ("stock Pyserini takes" in printed.err) == bool(warning)
    for part in warning.split(".*"):
        assert part.strip() in printed.err


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    missing = tmp_path / "no-such-topics"
    with pytest.raises(ValueError, match=r"output: .* cannot be written: .*file takes no file"):
        main(flags(missing, tmp_path / "file" / "t.tsv", Path("no-such-model")))
