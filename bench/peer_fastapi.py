"""The peer: the same questions answered by a plain FastAPI application over sqlite3, as its tutorial would write it.

It serves a copy of our database, so it returns the same rows and fields. It
checks the same things: the token's signature (PyJWT, remembered once found good,
as ours is), the session, account, membership and permission in one query for
each request; a write adds its event in the same transaction. It leaves out what
ours does besides: ETags, security headers, request ids, metrics, CSRF,
content negotiation, idempotency keys, search and paging.

Run by ``python -m bench.peer_fastapi DATABASE PORT``.
"""

import asyncio
import json
import resource
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bench.world import SECRET

_CALLER = """
    SELECT s.id AS session_id, s.last_seen_at, a.id, a.email, a.name, a.token_version, m.role,
           w.id AS workspace_id, w.slug, w.name AS workspace_name, w.role_matrix
    FROM sessions s
    JOIN accounts a ON a.id = s.account_id
    LEFT JOIN memberships m ON m.account_id = a.id
    LEFT JOIN workspaces w ON w.id = m.workspace_id
    WHERE s.id = ? AND s.ended_at IS NULL AND s.expires_at > ? AND a.is_disabled = 0
"""
_COLUMNS = (
    "id, workspace_id, name, description, status, runtime, instructions, tags, limits, tasks_completed, "
    "memory_items, last_active, created_at, updated_at"
)
_NEW_RUNTIME = {"type": "script", "steps": [], "output": "{{ input }}"}


class Limits(BaseModel):
    seconds: int = Field(300, ge=1, le=3600)
    log_lines: int = Field(1000, ge=1, le=100_000)


class AgentCreate(BaseModel):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field("", max_length=2000)
    status: str = Field("learning", pattern="^(active|inactive|learning)$")
    runtime: dict[str, Any] | None = None
    instructions: str = Field("", max_length=50_000)
    tags: list[str] = Field(default_factory=list, max_length=20)
    limits: Limits = Limits(seconds=300, log_lines=1000)


def make_peer(database: str) -> FastAPI:
    """The application on that database."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        connection = sqlite3.connect(database, isolation_level=None, cached_statements=512)
        connection.row_factory = sqlite3.Row
        for pragma in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        app.state.db = connection
        app.state.sockets = set()
        yield
        connection.close()

    app = FastAPI(lifespan=opened)
    app.get("/workspaces/{slug}/agents")(list_agents)
    app.get("/workspaces/{slug}/agents/{agent_id}")(show_agent)
    app.post("/workspaces/{slug}/agents", status_code=201)(create_agent)
    app.websocket("/ws")(live)
    return app


async def member(request: Request, slug: str) -> sqlite3.Row:
    """The caller's row for the workspace; 401 without a living session, 404 without a membership."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401)
    for row in _caller(request.app.state.db, token):
        if row["slug"] == slug:
            return row
    raise HTTPException(404)


async def list_agents(request: Request, who: sqlite3.Row = Depends(member)) -> JSONResponse:  # noqa: B008
    _allow(who, "agents.view")
    rows = request.app.state.db.execute(
        f"SELECT {_COLUMNS} FROM agents WHERE workspace_id = ? ORDER BY id DESC LIMIT 51", (who["workspace_id"],)
    ).fetchall()
    more = rows[49]["id"] if len(rows) > 50 else None
    return JSONResponse({"items": [_agent(row) for row in rows[:50]], "next": more})


async def show_agent(request: Request, agent_id: str, who: sqlite3.Row = Depends(member)) -> JSONResponse:  # noqa: B008
    _allow(who, "agents.view")
    row = request.app.state.db.execute(
        f"SELECT {_COLUMNS} FROM agents WHERE workspace_id = ? AND id = ?", (who["workspace_id"], agent_id)
    ).fetchone()
    if row is None:
        raise HTTPException(404)
    return JSONResponse(_agent(row))


async def create_agent(request: Request, given: AgentCreate, who: sqlite3.Row = Depends(member)) -> JSONResponse:  # noqa: B008
    _allow(who, "agents.edit")
    now = _now()
    agent = {
        "id": f"agt_{int(time.time() * 1_000_000):x}{secrets.token_hex(4)}",
        "workspace_id": who["workspace_id"],
        **given.model_dump(),
        "runtime": given.runtime or _NEW_RUNTIME,
        "tasks_completed": 0,
        "memory_items": 0,
        "last_active": None,
        "created_at": now,
        "updated_at": now,
    }
    event = _insert(request.app.state.db, agent, who["id"])
    if request.app.state.sockets:
        task = asyncio.create_task(_tell(request.app.state.sockets, json.dumps({"type": "event", "event": event})))
        request.state.telling = task
    location = f"{request.url}/{agent['id']}"
    return JSONResponse(agent, status_code=201, headers={"Location": location})


async def live(socket: WebSocket) -> None:
    """A live connection: it is told of every event."""
    _, _, token = socket.headers.get("authorization", "").partition(" ")
    _caller(socket.app.state.db, token)
    await socket.accept()
    await socket.send_text('{"type":"hello"}')
    socket.app.state.sockets.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        socket.app.state.sockets.discard(socket)


async def _tell(sockets: set[WebSocket], message: str) -> None:
    for socket in list(sockets):
        await socket.send_text(message)


def _insert(db: sqlite3.Connection, agent: dict[str, Any], actor: str) -> dict[str, Any]:
    event = {
        "workspace_id": agent["workspace_id"],
        "type": "agent.created",
        "subject": agent["id"],
        "actor": actor,
        "at": agent["created_at"],
        "data": {"name": agent["name"], "status": agent["status"]},
    }
    texts = {name: json.dumps(agent[name]) for name in ("runtime", "tags", "limits")}
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(
            f"INSERT INTO agents ({_COLUMNS}, revision) VALUES (:id, :workspace_id, :name, :description, :status, "
            ":runtime, :instructions, :tags, :limits, :tasks_completed, :memory_items, :last_active, :created_at, "
            ":updated_at, 1)",
            {**agent, **texts},
        )
        cursor = db.execute(
            "INSERT INTO events (workspace_id, type, subject, actor, at, data) "
            "VALUES (:workspace_id, :type, :subject, :actor, :at, :data)",
            {**event, "data": json.dumps(event["data"])},
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return {"id": cursor.lastrowid, **event}


def _caller(db: sqlite3.Connection, token: str) -> list[sqlite3.Row]:
    claims = _claims(token)
    if claims is None or claims["exp"] <= time.time():
        raise HTTPException(401)
    rows = db.execute(_CALLER, (claims["jti"], _now())).fetchall()
    if not rows or rows[0]["id"] != claims["sub"] or rows[0]["token_version"] != claims["ver"]:
        raise HTTPException(401)
    return rows


@lru_cache(maxsize=4096)
def _claims(token: str) -> dict[str, Any] | None:
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.PyJWTError:
        return None


@lru_cache(maxsize=1024)
def _matrix(text: str) -> dict[str, list[str]]:
    matrix: dict[str, list[str]] = json.loads(text)
    return matrix


def _allow(who: sqlite3.Row, permission: str) -> None:
    if permission not in _matrix(who["role_matrix"])[who["role"]]:
        raise HTTPException(403)


def _agent(row: sqlite3.Row) -> dict[str, Any]:
    agent = dict(row)
    for name in ("runtime", "tags", "limits"):
        agent[name] = json.loads(agent[name])
    return agent


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    database, port = sys.argv[1:]
    uvicorn.run(make_peer(database), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
