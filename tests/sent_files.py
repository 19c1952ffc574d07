"""Files as a browser sends them to the page."""

import base64
import io

import numpy as np
from PIL import Image


def file_uri(content: bytes, kind: str = 'image/png') -> str:
    """A file as a data URI."""
    code = base64.b64encode(content).decode()
    return f'data:{kind};base64,{code}'


def image_uri(pixels: np.ndarray, kind: str = 'PNG') -> str:
    """RGB ``(H, W, 3)`` uint8 as a data URI."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return file_uri(stream.getvalue())
