"""A mail server for the tests: aiosmtpd, asked to take mail and to keep it.

usage: mail_server.py PORT FOLDER (starttls|implicit|none) [CERTIFICATE KEY USER PASSWORD]

Each mail becomes FOLDER/N.eml, its recipients FOLDER/N.to. While FOLDER/refuse exists, nothing is accepted, and never
for an address that is a line of FOLDER/unknown. With STARTTLS, nothing but STARTTLS is answered before it, and a login is asked for after it.
"""

import asyncio
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

port, folder, mode = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
certificate, key, user, password = (sys.argv[4:] + [None] * 4)[:4]


class Keeper:
    """Keeps every mail in a file."""

    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        unknown = folder / "unknown"
        if unknown.exists() and address in unknown.read_text().splitlines():
            return f"550 5.1.1 <{address}>: nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if (folder / "refuse").exists():
            return "451 4.3.0 not now\x1b[31m"
        Keeper.count += 1
        (folder / f"{self.count}.to").write_text("\n".join(envelope.rcpt_tos))
        # Renamed when whole: the tests look for the name.
        (folder / "part").write_bytes(envelope.original_content)
        (folder / "part").rename(folder / f"{self.count}.eml")
        return "250 2.0.0 kept"


def check(server, session, envelope, mechanism, data):
    """Whether the login is the one of the tests."""
    good = (data.login, data.password) == (user.encode(), password.encode())
    # "handled" would mean that we answered ourselves: whoever fails is to hear 535.
    return AuthResult(success=good, handled=False)


async def main():
    """Serves until it is stopped."""
    context = None
    if mode != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    starttls = mode == "starttls"
    options = {"hostname": "mail.test"}
    if starttls:
        options |= {"tls_context": context, "require_starttls": True}
    if user is not None:
        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": starttls}
    implicit = context if mode == "implicit" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keeper(), **options), "127.0.0.1", port, ssl=implicit)
    async with server:
        await server.serve_forever()


asyncio.run(main())
