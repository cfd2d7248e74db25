"""One command sets completion up; what it wrote makes a real shell complete names from the catalogue."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from danmax_sync.cli.completion import completed_shells
from tests.needs import require_program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="bash is not the shell there")


def test_bash_completes_after_one_command(own_home: Path, indexed: Path) -> None:
    """Values of the catalogue, too; and doctor knows that it is set up."""
    shell = require_program("bash")
    program = own_home / "bin" / "danmax-sync"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m danmax_sync "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }

    def bash(script: str) -> str:
        command = [shell, "--norc", "-c", script]
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=own_home)
        return ran.stdout

    assert completed_shells() == []
    bash("danmax-sync --install-completion bash")
    assert completed_shells() == ["bash"]
    script = """
        . ~/.bashrc
        COMP_WORDS=(danmax-sync search sample : Ce); COMP_CWORD=4
        _danmax_sync_completion danmax-sync; echo "${COMPREPLY[*]}"
    """
    assert bash(script).strip() == "CeO2"
