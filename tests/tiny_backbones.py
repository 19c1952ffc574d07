"""Tiny networks of the families of mmpretrain and timm, for CCFR and MLPH."""

import copy

import tiny_ccfr

SIZE = tiny_ccfr.SIZE
#: Networks of one stride, and what their one map is made of.
PLAIN = ('vit', 'timm_vit', 'timm_backbone_vit')
SWIN_OF_TIMM = dict(
    embed_dim=8, depths=(1, 1, 2, 1), num_heads=(1, 1, 2, 2), window_size=2
)
#: Backbone and the channels of its maps.
FAMILIES = {
    'convnext': (
        dict(
            type='mmpretrain.ConvNeXt',
            arch=dict(depths=[1, 1, 1, 1], channels=[8, 8, 16, 24]),
            out_indices=(1, 2, 3),
            gap_before_final_norm=False,
        ),
        (8, 16, 24),
    ),
    'swin': (
        dict(
            type='mmpretrain.SwinTransformer',
            arch=dict(
                embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 1, 2, 2]
            ),
            img_size=SIZE,
            window_size=2,
            # A crop's last map is smaller than a window.
            pad_small_map=True,
            out_indices=(1, 2, 3),
        ),
        (16, 32, 64),
    ),
    'vit': (
        dict(
            type='mmpretrain.VisionTransformer',
            arch=dict(
                embed_dims=16,
                num_layers=3,
                num_heads=2,
                feedforward_channels=32,
            ),
            img_size=SIZE,
            patch_size=8,
            out_type='featmap',
            out_indices=[0, 1, 2],
        ),
        (16, 16, 16),
    ),
    'timm_convnext': (
        dict(
            type='mmc2f.FeatureTap',
            model_name='test_convnext',
            nodes=('stages.1', 'stages.2', 'stages.3'),
        ),
        (32, 48, 64),
    ),
    'timm_swin': (
        dict(
            type='mmc2f.FeatureTap',
            model_name='swin_tiny_patch4_window7_224',
            nodes=(-3, -2, -1),
            final_norm=True,
            img_size=SIZE,
            strict_img_size=False,
            **SWIN_OF_TIMM,
        ),
        (16, 32, 64),
    ),
    'timm_vit': (
        dict(
            type='mmc2f.FeatureTap',
            model_name='test_vit',
            nodes=(-3, -2, -1),
            final_norm=True,
            img_size=SIZE,
            dynamic_img_size=True,
        ),
        (64, 64, 64),
    ),
    'timm_backbone_vit': (
        dict(
            type='mmpretrain.TIMMBackbone',
            model_name='test_vit',
            features_only=True,
            out_indices=(-3, -2, -1),
            img_size=SIZE,
            dynamic_img_size=True,
        ),
        (64, 64, 64),
    ),
}


def ccfr_config(family: str) -> dict:
    """The tiny CCFR on another backbone."""
    config = tiny_ccfr.model_config()
    backbone, channels = copy.deepcopy(FAMILIES[family])
    last = channels[-1]
    config['backbone'] = backbone
    navigator = config['navigator']
    navigator['in_channels'] = channels[-2:]
    if family in PLAIN:
        navigator.update(
            in_channels=(last,),
            in_indices=(-1,),
            neck=dict(
                type='mmc2f.SimpleFeaturePyramid',
                in_channels=last,
                out_channels=navigator['fpn_channels'],
                scales=(1.0, 0.5),
            ),
        )
    config['global_head']['in_channels'] = last
    config['fusion']['in_channels'] = last
    for name, length in (('region_head', last), ('head', last + 2 * 16)):
        config[name]['type'] = 'mmpretrain.LinearClsHead'
        config[name]['in_channels'] = length
    return config


def mlph_config(family: str) -> dict:
    """MLPH on the last three maps of a backbone."""
    backbone, channels = copy.deepcopy(FAMILIES[family])
    return dict(
        type='mmc2f.EmbeddingClassifier',
        backbone=backbone,
        neck=dict(
            type='mmc2f.TrilinearPoolingNeck', in_channels=channels, channels=5
        ),
        head=dict(
            type='mmc2f.HierarchicalHead',
            tree=tiny_ccfr.TREE,
            in_channels=4 * 5,
        ),
    )
