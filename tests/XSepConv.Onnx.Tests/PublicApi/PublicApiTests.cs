using XSepConv.Tests.PublicApi;

namespace XSepConv.Onnx.Tests.PublicApi;

public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_approved_one() => ApprovedApi.Verify(typeof(OnnxExporter).Assembly);
}
