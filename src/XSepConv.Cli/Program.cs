using XSepConv.Cli;
using XSepConv.Cli.Startup;

GlibcAllocator.KeepFreedMemory();
return Tool.Run(args);
