"""SHA-1 of each script, for EVALSHA; generated from the .lua files by `make generate`."""

SHA1 = {
    "begin": "305445e3b6b240bc5ee345880a7537d2e852b109",
    "cancel": "c558a8408aafd23296eccc8965c41a3d36d10fb3",
    "commit": "f9f5d7b9c586a455eccba2531029eb9b5c231874",
    "dead": "9bea2db43cbf4adaa46bce10f522174afa8af296",
    "groups": "875d10a342c4b40615d14cab67f6a4d646894987",
    "heartbeat": "52a84b3b4a0525ad390ecc6286bfb3cfe329cc75",
    "look": "0279a1012ea88ff2ac3e728c8ab8eaebaf05e84e",
    "publish": "62f9ea0e16edef7e8e133fff7c2f6f925c05ce9d",
    "register": "b0228b9607acbe204106c1721404f1d469bee271",
    "release": "f010b225b663447210f96931666409959417c068",
    "renew": "2ee1a07314abd4f7f9c46893fb37be388e842536",
}
