"""Plain fine-tune of EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/images_128.py',
    '_base_/models/lite0.py',
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
num_classes = 21
data_root = '{{$MMC2F_DATA:data}}/fonts'
train_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='train')
test_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='test')
taxonomy = 'fonts'  # known tree to report accuracy on; None without one

# ------------------------------------------------------------------- training
max_epochs = 16
learning_rate = 0.02  # at batch_size; the classifier takes 10 times it
batch_size = 32

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
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
param_scheduler = dict(
    type='CosineAnnealingLR',
    T_max=max_epochs,
    by_epoch=True,
    convert_to_iter_based=True,
)
