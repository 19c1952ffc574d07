# Stanford Cars; what the names mean: grocery.py.
num_classes = 196
data_root = '{{$MMC2F_DATA:data}}/stanford_cars'
train_data = dict(type='StanfordCars', split='train')
test_data = dict(type='StanfordCars', split='test')
# By model, make with type, and type, as in MLPH.
taxonomy = 'cars'
# The pixels are those of cub.py.
views = [
    dict(name='high', level='model', resolution=None),
    dict(name='medium', level='make_type', resolution=128),
    dict(name='low', level='type', resolution=112),
]
