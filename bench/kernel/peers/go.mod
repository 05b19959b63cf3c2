module kernelpeer

go 1.19
