"""Plain fine-tune of ResNet-50 on CUB-200-2011."""

_base_ = [
    '_base_/datasets/images_448.py',
    '_base_/models/resnet50.py',
    '_base_/schedules/finetune.py',
    '_base_/default_runtime.py',
]

# ------------------------------------------------------------------ your data
# For an image folder with one directory a class, train/CLASS and val/CLASS:
#   num_classes = ...
#   data_root = 'path/to/folder'
#   train_data = dict(
#       type='mmc2f.ImageFolder', data_root=data_root, split='train')
#   test_data = dict(
#       type='mmc2f.ImageFolder', data_root=data_root, split='val')
#   taxonomy = None
num_classes = 200
data_root = '{{$MMC2F_DATA:data}}/CUB_200_2011'
train_data = dict(type='CUB', data_root=data_root, split='train')
test_data = dict(type='CUB', data_root=data_root, split='test')
taxonomy = 'cub'  # known tree to report accuracy on; None without one

# ------------------------------------------------------------------- training
max_epochs = 60
learning_rate = 0.001  # at batch_size; the classifier takes 10 times it
batch_size = 16

# ------------------------------------------------------------------- the rest
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    head=dict(num_classes=num_classes),
)
train_dataloader = dict(batch_size=batch_size, dataset=train_data)
val_dataloader = dict(dataset=test_data)
test_dataloader = dict(dataset=test_data)
test_evaluator = [
    dict(type='Accuracy', topk=(1, min(5, num_classes))),
    dict(type='mmc2f.ReRankMetric', tree=taxonomy),
]
auto_scale_lr = dict(base_batch_size=batch_size)
optim_wrapper = dict(optimizer=dict(lr=learning_rate))
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
param_scheduler = dict(
    type='CosineAnnealingLR',
    T_max=max_epochs,
    by_epoch=True,
    convert_to_iter_based=True,
)
