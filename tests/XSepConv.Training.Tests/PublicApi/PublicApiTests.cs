using XSepConv.Tests.PublicApi;

namespace XSepConv.Training.Tests.PublicApi;

public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_approved_one() => ApprovedApi.Verify(typeof(Trainer).Assembly);

    [Fact]
    public void The_public_API_of_Imaging_is_the_approved_one() =>
        ApprovedApi.Verify(typeof(ImageDecoder).Assembly, "XSepConv.Training.Tests");
}
