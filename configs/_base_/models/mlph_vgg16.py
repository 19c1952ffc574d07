# MLPH on VGG-16 (Section 3.2): relu5_1, relu5_2 and relu5_3, of 512 channels
# and stride 16.
model = dict(
    type='mmc2f.EmbeddingClassifier',
    backbone=dict(
        type='mmc2f.FeatureTap',
        source='torchvision',
        model_name='vgg16',
        nodes=('features.25', 'features.27', 'features.29'),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    neck=dict(
        type='mmc2f.TrilinearPoolingNeck',
        channels=8192,  # d: of each projection, so of each product
        interactions=((0, 1), (0, 2), (1, 2), (0, 1, 2)),
    ),
    head=dict(type='mmc2f.HierarchicalHead'),
)
