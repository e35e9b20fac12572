"""A test CA and a certificate for localhost that it signs."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID


def make_server_context(folder: Path, host: str = "localhost", days: float = 1) -> ssl.SSLContext:
    """Makes the TLS context of a test server and writes `ca.pem` to the folder. It expires after `days`."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _make_name("configsvc tests")
    ca = _make_certificate(ca_name, ca_name, ca_key.public_key(), ca_key, x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    leaf = _make_certificate(_make_name(host), ca_name, key.public_key(), ca_key, names, days=days)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "leaf.pem").write_bytes(
        leaf.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return context


def name_in_folder(pem: bytes) -> str:
    """Returns the file name under which OpenSSL looks for a CA in a folder (X509_NAME_hash; no collisions here)."""
    subject = x509.load_pem_x509_certificate(pem).subject
    canonical = [
        x509.NameAttribute(each.oid, " ".join(str(each.value).lower().split()), _ASN1Type.UTF8String)
        for each in subject
    ]
    der = x509.Name(canonical).public_bytes()
    names = der[2:] if der[1] < 0x80 else der[3:]  # without the header of the sequence (X.690, 8.1.3)
    return f"{int.from_bytes(hashlib.sha1(names).digest()[:4], 'little'):08x}.0"  # noqa: S324  # OpenSSL's choice


def _make_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _make_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
    *,
    days: float = 1,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=2))
    builder = builder.not_valid_after(now + dt.timedelta(days=days)).add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256())
