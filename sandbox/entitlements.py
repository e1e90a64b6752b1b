"""Brings the accounts of a Check-in that was started before up to date.

Keycloak imports a realm at its first start alone. Making the realm anew would give each
account another subject, and with it another user of the cloud without the old one's key
pairs; so the claims are changed where Keycloak keeps them, while it is down.
"""

import hashlib
import json

from sandbox import cache, files, shell
from sandbox.layout import Layout
from sandbox.realm import ACCOUNTS, CLAIM

# What Keycloak's own file database is called and how it is opened.
DATABASE = "keycloakdb"
LOGIN = ["-user", "sa", "-password", "password"]


def renew(layout: Layout) -> str:
    """Give the accounts the entitlements of these sources, once for each list of them."""
    stamp = layout.stamps / "entitlements"
    wanted = hashlib.sha256(json.dumps(ACCOUNTS).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return "as before"
    data = layout.state / "keycloak/data/h2"
    known = (data / f"{DATABASE}.mv.db").is_file()
    if known:
        (library,) = (cache.keycloak(layout) / "lib/lib/main").glob("com.h2database.h2-*.jar")
        place = f"jdbc:h2:file:{data}/{DATABASE};IFEXISTS=TRUE;NON_KEYWORDS=VALUE"
        program = ["java", "-cp", str(library), "org.h2.tools.Shell", "-url", place, *LOGIN]
        log = layout.log / "step-entitlements.log"
        shell.run([*program, "-sql", ";\n".join(statements())], log=log)
    files.write(stamp, wanted)
    return "renewed" if known else "come with the realm"


def statements() -> list[str]:
    """Return the SQL that makes the accounts of Keycloak those of these sources."""
    names = ", ".join(f"'{name}'" for name in ACCOUNTS)
    accounts = f"SELECT id FROM user_entity WHERE username IN ({names})"
    found = [f"DELETE FROM user_attribute WHERE name = '{CLAIM}' AND user_id IN ({accounts})"]
    found += [
        "INSERT INTO user_attribute (id, name, value, user_id)"
        f" SELECT CAST(RANDOM_UUID() AS VARCHAR), '{CLAIM}', '{entitlement}', id"
        f" FROM user_entity WHERE username = '{account}'"
        for account, entitlements in ACCOUNTS.items()
        for entitlement in entitlements
    ]
    return found
