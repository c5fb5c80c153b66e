"""A process that starts a part as the supervisor does, passes its ready lines on, and can be killed."""

import asyncio
import json
import sys

from controlsurface.serve.child_process import ProcessSpec, start_process


def announce(name: str, url: str) -> None:
    print(json.dumps({"ready": name, "url": url}), flush=True)  # noqa: T201 - the test waits for it


async def main() -> None:
    child = await start_process(ProcessSpec("collector", (sys.executable, "-m", *sys.argv[1:]), announces=("api",)))
    await child.ended(announce)


if __name__ == "__main__":
    asyncio.run(main())
