# A plain classifier on ResNet-50: fine-tune to compare with.
model = dict(
    type='mmc2f.EmbeddingClassifier',
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(3,),
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead'),
)
