# Caltech-UCSD Birds 200 of 2010; what the names mean: grocery.py.
num_classes = 200
data_root = '{{$MMC2F_DATA:data}}/cub200_2010'
train_data = dict(type='CUB', split='train')
test_data = dict(type='CUB', split='test')
taxonomy = 'cub'
views = [
    dict(name='high', level='species', resolution=None),
    dict(name='medium', level='genus', resolution=64),
    dict(name='low', level='family', resolution=56),
]
