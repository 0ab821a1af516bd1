"""What the processes of one cluster know each other by: made at its start, in memory, and forgotten at its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gangline.errors import MissingExtra

__all__ = ["make_keys"]

_LASTS = timedelta(days=3650)
_CLOCKS = timedelta(days=1)
"""By how much the clocks of hosts may differ."""


def make_keys() -> dict[str, str]:
    """A key and the certificate for it that nobody else has: whoever shows it belongs to the cluster.

    Returns:
        `ca`, `certificate` and `key`, as PEM.

    Raises:
        MissingExtra: A package is not installed.
    """
    try:  # takes a moment to import
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise MissingExtra("a cluster needs more packages: pip install 'gangline[dask]'") from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gangline cluster")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {"ca": certificate, "certificate": certificate, "key": private}
