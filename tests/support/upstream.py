"""A provider with OpenAI's API, which accepts certain keys only and counts its calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OK, _UNAUTHORIZED = 200, 401


class Upstream:
    """A provider on a free port of this machine.

    :ivar keys: The keys that it accepts. If it refuses a key, the reason has the key in it, as with
        OpenAI.
    :ivar calls: The key of each call, in order.
    :ivar headers: The headers of each call, in order.
    :ivar most_at_once: The largest number of calls at the same time.
    """

    def __init__(self, *keys: str, seconds: float = 0) -> None:
        self.keys = set(keys)
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

    def answer(self, key: str) -> tuple[int, dict[str, Any]]:
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
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return _OK, {
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
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.upstream.headers.append(dict(self.headers))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = self.server.upstream.answer(key)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
