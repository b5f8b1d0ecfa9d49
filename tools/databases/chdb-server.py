"""ClickHouse's HTTP interface over its engine as PyPI has it (chdb): as much of it as sinks and their tests use.

python3 chdb-server.py PORT FOLDER, with chdb on PYTHONPATH. Tables are kept in FOLDER.
"""

import gzip
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

INSERT_WITH_DATA = re.compile(r"^\s*(INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)[ \t]*(?:\n(.*))?$", re.IGNORECASE | re.DOTALL)
# What is of the request, and not a setting.
NO_SETTINGS = {"query", "query_id", "database", "user", "password", "session_id", "default_format"}

engine = session.Session(sys.argv[2])
one_at_a_time = threading.Lock()


def quoted(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def run(query, data, settings):
    """What the engine answers, as bytes; raises what it raises."""
    found = INSERT_WITH_DATA.match(query)
    with one_at_a_time:
        if found is None:
            return engine.query(query, "TabSeparated").bytes()
        statement, form, inline = found.groups()
        body = (inline or "").encode() + data
        # Within the query text the engine would look for the end of the statement in the rows.
        with tempfile.NamedTemporaryFile(dir=sys.argv[2]) as file:
            file.write(body)
            file.flush()
            given = ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
            engine.query(f"{statement} FROM INFILE {quoted(file.name)} {'SETTINGS ' + given if given else ''} FORMAT {form}", "TabSeparated")
        return b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.body())

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            content = b"".join(pieces)
        else:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content

    def answer(self, body):
        address = urlsplit(self.path)
        if address.path == "/ping":
            return self.say(200, b"Ok.\n")
        parameters = dict(parse_qsl(address.query, keep_blank_values=True))
        query = parameters.get("query")
        settings = {name: value for name, value in parameters.items() if name not in NO_SETTINGS}
        text, data = (body.decode(), b"") if query is None else (query, body)
        try:
            self.say(200, run(text, data, settings))
        except Exception as error:
            said = str(error)
            code = re.search(r"Code: (\d+)", said)
            self.say(500, said.encode(), {"X-ClickHouse-Exception-Code": code.group(1)} if code else {})

    def say(self, status, content, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain; charset=UTF-8", "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
try:
    server.serve_forever()
except KeyboardInterrupt:
    os._exit(0)
