"""An index of small packages of our own: wheels, their lock, and a server whose certificate is of our own authority."""

import base64
import contextlib
import functools
import hashlib
import ssl
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme


def wheel(folder: Path, name: str, version: str = "1.0", *needs: str, script: str = "", extra: str = "") -> Path:
    """A package with one empty module, what it needs, and on request a program of its own name."""
    about = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}"] * bool(extra) + [f"Requires-Dist: {each}" for each in needs]
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": "\n".join(lines) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **({f"{name}-{version}.data/scripts/{name}": script} if script else {}),
    }
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for path, text in files.items()}
    record = "".join(f"{path},sha256={digest.rstrip(b'=').decode()},\n" for path, digest in digests.items())
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return made


def lock(file: Path, *wheels: Path) -> Path:
    """A lock file that pins wheels by version and hash."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pins = (
        f"{each.name.split('-')[0]}=={each.name.split('-')[1]} \\\n"
        f"    --hash=sha256:{hashlib.sha256(each.read_bytes()).hexdigest()}\n"
        for each in wheels
    )
    file.write_text("".join(pins))
    return file


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of an index of a folder's wheels, and the file of the only authority that vouches for it."""
    for each in folder.glob("*.whl"):
        page = folder / "simple" / each.name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        links = (f'<a href="/{one.name}">{one.name}</a>' for one in folder.glob(f"{page.parent.name}-*.whl"))
        page.write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who distrusts us breaks off
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/simple/", folder / "authority.pem"
    finally:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, *_: object) -> None:
        pass
