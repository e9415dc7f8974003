"""Runs commands, and tells what each took; a process of its own, because it has to be small.

In: on standard input a JSON object a line, with `command`, `directory`, `environment` and
`seconds`. Out: on standard output a JSON object a line, with `status`, `wall` (seconds by the
clock), `seconds` (of processors), `memory` (the most that was resident, in bytes), `out` and
`err`. What is forked from a large process has that one's memory for a start, so pytest cannot
measure for itself.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time

MAX_TOLD = 200_000


def run(wish):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(
            wish["command"],
            cwd=wish["directory"],
            env=wish["environment"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        timer = threading.Timer(wish["seconds"], process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        return {
            "status": process.returncode,
            "wall": time.monotonic() - start,
            "seconds": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss * 1024,
            "out": told(out),
            "err": told(err),
        }


def told(file):
    file.seek(0)
    return file.read(MAX_TOLD).decode("utf-8", "replace")


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
