namespace XSepConv.Training.Tests;

public sealed class SplitNameTests : IDisposable
{
    private readonly PictureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>As in well-known archives: Intel's scenes, cats and dogs of SuperDataScience, Roboflow's, Keras's, COCO's names.</summary>
    [Theory]
    [InlineData("Train", "Val", "Test")]
    [InlineData("TRAIN", "VALID", "TEST")]
    [InlineData("training", "validation", "testing")]
    [InlineData("trn", "dev", "tst")]
    [InlineData("seg_train", "seg_val", "seg_test")]
    [InlineData("train_images", "val_images", "test_images")]
    [InlineData("images-train", "images-val", "images-test")]
    [InlineData("training_set", "validation_set", "test_set")]
    [InlineData("trainset", "valset", "testset")]
    [InlineData("TrainImages", "ValImages", "TestImages")]
    [InlineData("train2017", "val2017", "test2017")]
    [InlineData("flowers_train", "flowers_valid", "flowers_test")]
    [InlineData("training", "validation", "evaluation")]
    [InlineData("train", "eval", "test")]
    [InlineData("Training Data", "Validation Data", "Test Data")]
    public void Splits_are_known_in_any_usual_spelling(string train, string validation, string test)
    {
        _folder.Fill(3, $"{train}/a", $"{train}/b").Fill(2, $"{validation}/a", $"{validation}/b").Fill(1, $"{test}/a", $"{test}/b");
        var data = _folder.Open();
        Assert.Equal(["a", "b"], data.ClassNames);
        Assert.Equal((6, 4, 2), (data.Train.Count, data.Validation.Count, data.Test.Count));
    }

    [Theory]
    [InlineData("Train", "Test")]
    [InlineData("seg_train", "seg_test")]
    [InlineData("training_set", "test_set")]
    [InlineData("training", "testing")]
    [InlineData("TRAIN", "VAL")]
    [InlineData("train", "eval")]
    public void Two_folders_are_to_learn_from_and_to_measure_on(string train, string test)
    {
        _folder.Fill(3, $"{train}/a", $"{train}/b").Fill(2, $"{test}/a", $"{test}/b");
        var data = _folder.Open();

        // One training image of each class validates.
        Assert.Equal((4, 2, 4), (data.Train.Count, data.Validation.Count, data.Test.Count));
    }

    [Theory]
    [InlineData("bullet_train,car,bus")]
    [InlineData("train station,museum")]
    [InlineData("crash test dummy,doll")]
    [InlineData("training shoes,boots")]
    [InlineData("train_cats,train_dogs")]
    [InlineData("contest,detest,strain")]
    [InlineData("développement,validité")]
    public void A_class_that_has_such_a_word_in_it_is_a_class(string classes)
    {
        _folder.Fill(3, classes.Split(','));
        Assert.Equal(classes.Split(',').Order(StringComparer.Ordinal), _folder.Open().ClassNames);
    }

    [Theory]
    [InlineData("train/a,train/b,test/a,test/b,extra/a", "holds 'test', 'train', called like splits, beside 'extra'")]
    [InlineData("train,car,bus", "holds 'train', called like splits, beside 'bus', 'car'")]
    [InlineData("train/a,train/b,training/a,training/b,test/a", "'train', 'training' are all called like the split 'train'")]
    [InlineData("trainA,trainB,testA,testB", "'testA', 'testB' are all called like the split 'test'")]
    [InlineData("train_images/a,train_images/b,train_masks/a,train_masks/b,test_images/a", "holds 'test_images', 'train_images', "
        + "called like splits, beside 'train_masks'")]
    [InlineData("train/a,train/b,val/a,test/a,eval/a", "holds 'val', 'test', 'eval'; one folder to validate and one to test")]
    [InlineData("2019/cat,2019/dog,2020/cat,2020/dog", "'2019', '2020' all hold the same folders ('cat', 'dog')")]
    [InlineData("cat/train,cat/test,dog/train,dog/test", "'cat', 'dog' all hold the same folders ('test', 'train')")]
    [InlineData("rose,tulip,flowers/rose,flowers/tulip", "holds folders of the same names as beside it ('rose', 'tulip')")]
    [InlineData("images,masks", "holds 'images', 'masks', which looks like pictures and what is to be found in them")]
    [InlineData("images/a,images/b,masks/a,masks/b", "holds 'images', 'masks', which looks like pictures and what is to be found in them")]
    [InlineData("train/images,train/masks,test/images,test/masks", "holds 'images', 'masks', which looks like pictures")]
    [InlineData("JPEGImages,SegmentationClass", "looks like pictures and what is to be found in them")]
    public void What_may_be_read_in_two_ways_is_refused_with_what_was_seen_and_what_to_do(string folders, string seen)
    {
        _folder.Fill(3, folders.Split(','));
        var message = _folder.Refusal();
        Assert.Contains(seen, message, StringComparison.Ordinal);
        Assert.True(
            message.Contains("--layout", StringComparison.Ordinal) || message.Contains("Move one away", StringComparison.Ordinal), message);
    }

    [Theory]
    [InlineData("train,car,bus", "bus,car,train")]
    [InlineData("train,test", "test,train")]
    [InlineData("images,masks", "images,masks")]
    [InlineData("2019/cat,2019/dog,2020/cat,2020/dog", "2019,2020")]
    public void Asked_for_every_folder_is_a_class(string folders, string classes)
    {
        _folder.Fill(3, folders.Split(','));
        Assert.Equal(classes.Split(','), _folder.Open(FolderLayout.Flat).ClassNames);
    }

    [Fact]
    public void Asked_for_only_splits_are_read_and_the_others_are_named()
    {
        _folder.Fill(3, "train/a", "train/b", "test/a", "test/b", "extra/a");
        var data = _folder.Open(FolderLayout.Splits);
        Assert.Equal((4, 2, 6), (data.Train.Count, data.Validation.Count, data.Test.Count));
        var left = Assert.Single(data.Findings.LeftOut);
        Assert.Equal(("picture in 'extra', which is no split", 3, "extra/a/0.png"), (left.Reason, left.Count, left.Examples[0]));

        Assert.Contains(
            "has no folders for splits", new PictureFolder().Fill(3, "a", "b").Refusal(FolderLayout.Splits), StringComparison.Ordinal);
    }

    /// <summary>The folders of archives as they are published on Kaggle and by their authors.</summary>
    [Theory]
    [InlineData("seg_train/seg_train/forest,seg_train/seg_train/sea,seg_test/seg_test/forest,seg_test/seg_test/sea,seg_pred/seg_pred",
        "forest,sea", true)]
    [InlineData("dataset/training_set/cats,dataset/training_set/dogs,dataset/test_set/cats,dataset/test_set/dogs", "cats,dogs", true)]
    [InlineData("training_set/training_set/cats,training_set/training_set/dogs,test_set/test_set/cats,test_set/test_set/dogs", "cats,dogs",
        true)]
    [InlineData("images/Images/n02085620-Chihuahua,images/Images/n02085782-Japanese_spaniel",
        "n02085620-Chihuahua,n02085782-Japanese_spaniel", false)]
    [InlineData("flower_photos/daisy,flower_photos/roses", "daisy,roses", false)]
    [InlineData("root/101_ObjectCategories/accordion,root/101_ObjectCategories/yin_yang", "accordion,yin_yang", false)]
    [InlineData("train/n01443537/images,train/n01629819/images,test/n01443537/images,test/n01629819/images", "n01443537,n01629819", true)]
    public void The_folder_that_holds_everything_is_looked_into(string folders, string classes, bool splits)
    {
        _folder.Fill(3, folders.Split(','));
        Assert.Equal(classes.Split(','), _folder.Open().ClassNames);
        Assert.Equal(splits ? 4 : 2, _folder.Open().Train.Count);
    }

    [Fact]
    public void Food_101_and_its_lists_are_read_as_they_come()
    {
        _folder.Fill(3, "food-101/images/apple_pie", "food-101/images/waffles");
        _folder.Write("food-101/meta/train.txt", "apple_pie/0"u8.ToArray());
        _folder.Write("food-101/README.txt", [65]);
        var data = _folder.Open();
        Assert.Equal(["apple_pie", "waffles"], data.ClassNames);
        Assert.Contains(
            data.Findings.LeftOut, left => left is { Reason: "folder without pictures", Count: 1 } && left.Examples[0] == "meta");
        Assert.Contains(data.Findings.LeftOut, left => left is { Reason: ".txt, no picture", Count: 2 });
        Assert.Contains(data.Findings.Warnings, warning => warning.StartsWith("the classes are the folders of ", StringComparison.Ordinal));
    }

    [Fact]
    public void Pictures_of_no_class_are_counted_and_named()
    {
        _folder.Fill(3, "train/a", "train/b", "test/a", "test/b", "pred").Put("x.png", "y.jpg", "train/z.png");
        var left = _folder.Open().Findings.LeftOut;
        Assert.Equal((3, "x.png", "y.jpg", "train/z.png"), (left[0].Count, left[0].Examples[0], left[0].Examples[1], left[0].Examples[2]));
        Assert.Equal(("picture without a class, in 'pred'", 3), (left[1].Reason, left[1].Count));
    }

    [Fact]
    public void Pictures_without_any_class_are_refused_with_their_number() =>
        Assert.Contains(
            "2 pictures lie directly in it", _folder.Put(
                "train/cat.1.jpg", "train/dog.1.jpg", "test/1.jpg").Refusal(), StringComparison.Ordinal);
}
