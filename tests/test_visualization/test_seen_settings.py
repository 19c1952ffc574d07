"""Settings and resolutions that cannot be drawn say why."""

from types import SimpleNamespace

import pytest
import torch

from mmc2f.visualization.seen_images import (
    SeenImage,
    SeenImages,
    draw_by_resolution,
    draw_settings,
)


def seen(images=(), is_shared=None, measure=None):
    """Images, and a gallery if it is said of which kind."""
    reranker = is_shared is not None and SimpleNamespace(
        gallery=SimpleNamespace(is_shared=is_shared),
        post_processor=SimpleNamespace(topm=3, alpha=0.0, gate='per_class'),
    )
    return SeenImages(
        *(list(images), ('a', 'b'), None, lambda entry: None),
        reranker=reranker or None,
        measure=measure,
    )


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (dict(), 'on_val=True'),
        (dict(is_shared=True), 'shared out'),
        (dict(is_shared=False), 'no image'),
        (
            dict(
                is_shared=False,
                images=[SeenImage({}, coarse=torch.ones(2) / 2)],
            ),
            'true class',
        ),
    ],
)
def test_no_settings(options, reason):
    with pytest.raises(ValueError, match=reason):
        draw_settings(seen(**options))


def test_no_resolutions():
    with pytest.raises(ValueError, match='no resolutions'):
        draw_by_resolution(seen())
