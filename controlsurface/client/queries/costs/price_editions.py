"""The price books that calls were priced by."""

from typing import ClassVar

from controlsurface.client.arrow_tables import FLAG, TEXT, TIME, columns
from controlsurface.client.query_protocol import PlainQuery, ReadEndpoint, Result, StoreSession

_EDITIONS = """
SELECT edition, since, in_force, trusts_spans, list_version, prices
FROM price_editions ORDER BY in_force DESC, since DESC, edition
"""


class PriceEditionsQuery(PlainQuery[Result]):
    """Rows: edition (its fingerprint), since when it was in force, whether it is, whether costs on spans go first.

    list_version: of genai-prices; prices: the user's own, as JSON. The one in force comes first.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/prices/editions",
        "prices",
        "The price books that calls were priced by, the one in force first",
        columns(edition=TEXT, since=TIME, in_force=FLAG, trusts_spans=FLAG, list_version=TEXT, prices=TEXT),
    )

    def run(self, session: StoreSession) -> Result:
        """From the stored rows."""
        return Result(session.state(_EDITIONS))
