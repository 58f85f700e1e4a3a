"""The RSA key pair behind Daraja's SecurityCredential.

Daraja publishes an X.509 certificate; callers encrypt the initiator's password with its public
key, PKCS#1 v1.5, and send it in base64 (Daraja portal, B2C). Here the private half is ours, so
that the simulator can look inside as Safaricom does.
"""

import base64
import binascii
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
CERTIFICATE_DAYS = 730


def new_private_key_pem() -> bytes:
    """A fresh key in PEM. Keep it if credentials shall outlive a restart of the simulator."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_private_key(pem: bytes | None) -> RSAPrivateKey:
    """The key in the PEM text, or a fresh one. TypeError when it is not an RSA key."""
    key = serialization.load_pem_private_key(pem or new_private_key_pem(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the simulator needs an RSA key")
    return key


def certificate_pem(key: RSAPrivateKey, at: datetime) -> bytes:
    """A self-signed certificate for the key, valid from the day before `at`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator.daraja.invalid")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def credential_holds(key: RSAPrivateKey, credential: str, password: str) -> bool:
    """Whether the credential is this password, encrypted for this key."""
    try:
        plain = key.decrypt(base64.b64decode(credential, validate=True), padding.PKCS1v15())
    except (ValueError, binascii.Error):
        return False
    return plain == password.encode()
