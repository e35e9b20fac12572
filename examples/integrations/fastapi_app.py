"""A FastAPI app: uvicorn fastapi_app:app"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI

from configsvc_client import Config, Snapshot

config = Config(background=True)  # after the first load a read does no I/O, so it never blocks the event loop


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await asyncio.to_thread(config.snapshot)  # the first load does I/O: off the loop, before the first request
    yield
    await asyncio.to_thread(config.close)


app = FastAPI(lifespan=lifespan)


async def snapshot() -> Snapshot:
    return config.snapshot()


@app.get("/")
async def index(current: Annotated[Snapshot, Depends(snapshot)]) -> dict[str, object]:
    return {"pid": os.getpid(), "url": current["db.url"], "level": current["log.level"]}
