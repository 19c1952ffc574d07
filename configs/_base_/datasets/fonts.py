# The font faces of the demo; what the names mean: grocery.py.
num_classes = 21
data_root = '{{$MMC2F_DATA:data}}/fonts'
train_data = dict(type='mmc2f.ImageFolder', split='train')
test_data = dict(type='mmc2f.ImageFolder', split='test')
taxonomy = 'fonts'
views = [
    dict(name='high', level='face', resolution=None),
    dict(name='medium', level='family', resolution=64),
    dict(name='low', level='style', resolution=32),
]
