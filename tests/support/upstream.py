"""A provider with OpenAI's API, which accepts certain keys and calls only, and counts its calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OK, _BAD_REQUEST, _UNAUTHORIZED = 200, 400, 401

# Why a provider refuses a call, by its path and its body; ``None`` if it does not.
Refusal = Callable[[str, dict[str, Any]], str | None]


def reasons(path: str, body: dict[str, Any]) -> str | None:
    """The refusals of a model that thinks before it answers."""
    few = body.get("max_tokens", body.get("max_completion_tokens", 1000)) < 64
    return "max_tokens is too small to finish the reasoning" if few else None


def only(way: str) -> Refusal:
    """The refusals of a model that is called in one way only, such as an embedder."""
    return lambda path, _: None if path.endswith(way) else "This is not a chat model"


class Upstream:
    """A provider on a free port of this machine.

    :ivar keys: The keys that it accepts. If it refuses a key, the reason has the key in it, as with
        OpenAI.
    :ivar refusal: Why it refuses a call with a good key.
    :ivar calls: The key of each call, in order.
    :ivar headers: The headers of each call, in order.
    :ivar most_at_once: The largest number of calls at the same time.
    """

    def __init__(self, *keys: str, seconds: float = 0, refusal: Refusal = lambda *_: None) -> None:
        self.keys = set(keys)
        self.refusal = refusal
        self.seconds = seconds
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Upstream:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def deployments(self, name: str, keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """Declared deployments that call it, one with each key: `NAME-0`, `NAME-1` and so on."""
        return {
            f"{name}-{number}": {
                "custom_llm_provider": "openai",
                "base_model": f"gpt-4-{number}",
                "model_api_base": self.url,
                "model_api_key": key,
                "mode": "chat",
            }
            for number, key in enumerate(keys)
        }

    def answer(self, key: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of an answer."""
        with self._lock:
            self.calls.append(key)
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
        threading.Event().wait(self.seconds)
        with self._lock:
            self._inside -= 1
        if key not in self.keys:
            reason = f"Incorrect API key provided: {key}."
            return _UNAUTHORIZED, {"error": {"message": reason, "code": "invalid_api_key"}}
        if (refused := self.refusal(path, body)) is not None:
            return _BAD_REQUEST, {"error": {"message": refused, "code": "bad_request"}}
        return _OK, _answer_to(path)


def _answer_to(path: str) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}]
        return {"object": "list", "data": data, "model": "embedder", "usage": usage}
    if path.endswith("/images/generations"):
        return {"created": 1, "data": [{"url": "http://127.0.0.1/image.png"}]}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hello."},
        "finish_reason": "stop",
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4",
        "choices": [choice],
        "usage": usage,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.upstream = upstream


class _Call(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """A call of any kind."""
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.upstream.headers.append(dict(self.headers))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = self.server.upstream.answer(key, self.path, sent)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
