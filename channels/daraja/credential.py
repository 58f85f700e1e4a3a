"""The SecurityCredential: the operator's password, encrypted for Safaricom."""

import base64
import binascii

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.ports.providers import ProviderError

_PEM_BEGINS = "-----BEGIN CERTIFICATE-----"


def security_credential(certificate: str, password: str) -> str:
    """Return base64 of the password under the certificate's RSA key, PKCS#1 v1.5 (not OAEP).

    The padding is random, so every call returns another text; each of them is good.

    Args:
        certificate: PEM text, in an environment file perhaps with its line breaks written as a
            backslash and an n, or DER in base64.
        password: of the initiator.

    Raises:
        ProviderError: ``misconfigured`` (and stop): no RSA certificate, or too long a password.
    """
    try:
        read = _read(certificate.strip())
        key = read.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ProviderError("misconfigured", stop=True, detail="certificate is not RSA")
        sealed = key.encrypt(password.encode(), PKCS1v15())
    except (ValueError, binascii.Error) as error:
        raise ProviderError("misconfigured", stop=True, detail="certificate unusable") from error
    return base64.b64encode(sealed).decode()


def _read(certificate: str) -> x509.Certificate:
    if certificate.startswith(_PEM_BEGINS):
        return x509.load_pem_x509_certificate(certificate.replace("\\n", "\n").encode())
    return x509.load_der_x509_certificate(base64.b64decode(certificate, validate=True))
