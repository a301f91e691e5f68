--- The version of this plugin. The server that it comes with has the same; a test holds that.
return "0.1.0"
