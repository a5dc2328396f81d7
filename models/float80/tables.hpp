// Written by make_tables.py, which see for how to change it.
#pragma once

#include "models/float80/wide.hpp"

namespace fixpoint::models::float80 {

// Constants, truncated to 128 bits.
inline constexpr Wide pi{false, 1, join(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
inline constexpr Wide half_pi{false, 0, join(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
inline constexpr Wide ln_2{false, -1, join(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af)};
inline constexpr Wide log2_e{false, 0, join(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88)};
inline constexpr Wide twice_log2_e{false, 1, join(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88)};
inline constexpr Wide log2_10{false, 1, join(0xd49a784bcd1b8afe, 0x492bf6ff4dafdb4c)};
inline constexpr Wide log10_2{false, -2, join(0x9a209a84fbcff798, 0x8f8959ac0b7c9178)};

// 2/pi * 2^256, truncated, the least significant limb first.
inline constexpr uint64_t two_over_pi[4] = {0xfe5163abdebbc561, 0xdb6295993c439041, 0xfc2757d1f534ddc0,
                                            0xa2f9836e4e441529};

inline constexpr int powers_per_unit = 32;

// 2^(i/32) * 2^126, i from -32 to 32.
inline constexpr Wide128 power_of_two[2 * powers_per_unit + 1] = {
    join(0x2000000000000000, 0x0000000000000000), join(0x20b361a62b0ae875, 0xcf8a91d6d1948300),
    join(0x216ab0d9f3121ec5, 0x317256e30855306d), join(0x222603a024b6a149, 0xd77e35db26319d59),
    join(0x22e57078faa2f5b9, 0xbef918a1d6294f24), join(0x23a90e62d17354f0, 0x0b70051321e0f531),
    join(0x2470f4dceac470cd, 0x83f5b6382b96b276), join(0x253d3bea3fbdc258, 0x4ba2beb449547795),
    join(0x260dfc14636e2a5b, 0xd1ab48c60b90bdbe), join(0x26e34e6e7553954e, 0x28aa05e8a8f30fc8),
    join(0x27bd4c982468446b, 0x682447c27aee7f74), join(0x289c10c0c3125a06, 0x26de813be033f7aa),
    join(0x297fb5aa6c544e3a, 0x872f5fd885c41c07), join(0x2a6856ad3a9f03be, 0x1507893b0d4c7e9d),
    join(0x2b560fba90a852b1, 0x92602a323d668bb1), join(0x2c48fd6074ab0963, 0xe1f40dfa5b485764),
    join(0x2d413cccfe779921, 0x165f626cdd52afa8), join(0x2e3eebd1d8bee7ba, 0x46e1e5de159ad968),
    join(0x2f4228e7d6030daf, 0xaa2047ed9b43ebdf), join(0x304b1332999c2515, 0x9f115f56694021ed),
    join(0x3159ca845541b6b7, 0x4f8ab432593767ce), join(0x326e6f619b8bc9e8, 0xa0387e4a81445a60),
    join(0x3389230547e12038, 0xf88d60e3e57cb1bb), join(0x34aa07647c4ab916, 0x84892395f0f7900a),
    join(0x35d13f32b5a75abd, 0x0e69a2ee640b4ff8), join(0x36feede5f6bc8dd5, 0x4f610356a78a6a99),
    join(0x383337bb0aa53844, 0x419625412374ccf3), join(0x396e41b9df20d22a, 0x0797a3d293b6ec3b),
    join(0x3ab031b9f7490e4b, 0xb40b5d6cdc1b953f), join(0x3bf92e66f736bd72, 0xd195873da5236e45),
    join(0x3d495f454921b30b, 0x1ee7431ebb6603f1), join(0x3ea0ecb6dc8a80ce, 0x9f096ec50c575ff3),
    join(0x4000000000000000, 0x0000000000000000), join(0x4166c34c5615d0eb, 0x9f1523ada3290600),
    join(0x42d561b3e6243d8a, 0x62e4adc610aa60d9), join(0x444c0740496d4293, 0xaefc6bb64c633ab1),
    join(0x45cae0f1f545eb73, 0x7df23143ac529e48), join(0x47521cc5a2e6a9e0, 0x16e00a2643c1ea63),
    join(0x48e1e9b9d588e19b, 0x07eb6c70572d64ec), join(0x4a7a77d47f7b84b0, 0x97457d6892a8ef2a),
    join(0x4c1bf828c6dc54b7, 0xa356918c17217b7b), join(0x4dc69cdceaa72a9c, 0x51540bd151e61f90),
    join(0x4f7a993048d088d6, 0xd0488f84f5dcfee9), join(0x513821818624b40c, 0x4dbd0277c067ef54),
    join(0x52ff6b54d8a89c75, 0x0e5ebfb10b88380e), join(0x54d0ad5a753e077c, 0x2a0f12761a98fd3a),
    join(0x56ac1f752150a563, 0x24c054647acd1762), join(0x5891fac0e95612c7, 0xc3e81bf4b690aec7),
    join(0x5a827999fcef3242, 0x2cbec4d9baa55f50), join(0x5c7dd7a3b17dcf74, 0x8dc3cbbc2b35b2d1),
    join(0x5e8451cfac061b5f, 0x54408fdb3687d7bd), join(0x6096266533384a2b, 0x3e22beacd28043db),
    join(0x62b39508aa836d6e, 0x9f156864b26ecf9c), join(0x64dcdec3371793d1, 0x4070fc950288b4bf),
    join(0x6712460a8fc24071, 0xf11ac1c7caf96377), join(0x69540ec8f895722d, 0x0912472be1ef2014),
    join(0x6ba27e656b4eb57a, 0x1cd345dcc8169fef), join(0x6dfddbcbed791baa, 0x9ec206ad4f14d532),
    join(0x70666f76154a7088, 0x832c4a8246e999e5), join(0x72dc8373be41a454, 0x0f2f47a5276dd876),
    join(0x75606373ee921c97, 0x6816bad9b8372a7d), join(0x77f25ccdee6d7ae5, 0xa32b0e7b4a46dc89),
    join(0x7a92be8a92436616, 0x3dce863d76cc07e2), join(0x7d41d96db915019d, 0x3e12dd8a18aebfe6),
    join(0x8000000000000000, 0x0000000000000000),
};

inline constexpr int logarithms_per_unit = 64;
inline constexpr int first_logarithm = 45;

// |log2(i/64)| * 2^128, i from 45 to 91; negative below 64.
inline constexpr Wide128 log2_magnitude[47] = {
    join(0x8215ea5cd3e4c4c7, 0x9b39ffeebc29372a), join(0x79f7d7f94e2acd3b, 0xed456b24ed10f558),
    join(0x7206770b517f90e2, 0x5762b11993c8ff1c), join(0x6a3fe5c604297860, 0x5ff4edf5f974522f),
    join(0x62a2602afef4c999, 0xaa6df8b7d834af72), join(0x5b2c3da19723a80d, 0xb6a0480592812599),
    join(0x53dbeecb3b1661e3, 0x93a16b94b51cf76b), join(0x4caffb8dc3b9a196, 0x8925e378d67caee2),
    join(0x45a7014d8fc561c8, 0xd43e017579b71614), join(0x3ebfb1520c7c6921, 0x1fdec9e1ec5cf68d),
    join(0x37f8cf4fffe9980d, 0xe057bdc173ebbc0d), join(0x315130157f7a64cc, 0xd536fc5bec1a57b9),
    join(0x2ac7b853ff596419, 0x0e41bca6ef95e64a), join(0x245b5b8556692da5, 0xa475e64e39c898e1),
    join(0x1e0b1ae8f2fd5664, 0xb3a58db2427e7f08), join(0x17d60496cfbb4c67, 0x3b4511f8c2b4e4fb),
    join(0x11bb32a600549d0c, 0xc62a295de739cc60), join(0x0bb9ca64ecac6aae, 0xf2e1c07f0438ebac),
    join(0x05d0fba187cd558d, 0x9520d847df02fc16), join(0x0000000000000000, 0x0000000000000000),
    join(0x05b9e5a170b48a62, 0x9b89f8846042be52), join(0x0b5d69bac77ec398, 0x9b03784b5be08490),
    join(0x10eb389fa29f9ab3, 0xcf74bab999217067), join(0x1663f6fac913167c, 0xcc53826144575ac4),
    join(0x1bc84240adabba63, 0xb2c5a6e5197ab879), join(0x2118b119b4f3c72c, 0x4f78dfa14aa5157b),
    join(0x2655d3c4f15c343e, 0xa3e580eb4e974c9b), join(0x2b803473f7ad0f3f, 0x401624140d175ba2),
    join(0x309857a05e0765fb, 0xa4491dcec752ae1f), join(0x359ebc5b69d927df, 0xc23d9780306c696a),
    join(0x3a93dc9864b2df91, 0xe96aca04740a8838), join(0x3f782d7204d01447, 0x51b3314f09de6be5),
    join(0x444c1f6b4c2dd72c, 0x25c169e5693a7f06), join(0x49101eac381ce609, 0x16e52e91300efeef),
    join(0x4dc4933a9337b366, 0x44cdb2581fb9186e), join(0x5269e12f346e2bf9, 0x24afdbfd36bf6d33),
    join(0x570068e7ef5a1e7e, 0x802c48281a2eb745), join(0x5b8887367433795e, 0x35482d13dc0f110d),
    join(0x6002958c587150ca, 0xbad827d37deb2236), join(0x646eea247c5c22d2, 0xcad415ae1a715618),
    join(0x68cdd829fd814275, 0xf1035e5e7b16c7f7), join(0x6d1fafdce20a8290, 0x51bbe3f6289e3ab7),
    join(0x7164beb4a56d59f9, 0xfb952bbbccc314f0), join(0x759d4f80cba83bf8, 0xfaf866415554d6bf),
    join(0x79c9aa879d534831, 0x46784bd1c44ccd5f), join(0x7dea15a32c1b3b38, 0x64c6001143d6c8d6),
    join(0x81fed45cbccbf99c, 0xa1a3202b3d68f965),
};

inline constexpr int arctangents_per_unit = 64;

// atan(i/64) * 2^128, i from 0 to 64.
inline constexpr Wide128 arctangent_of[arctangents_per_unit + 1] = {
    join(0x0000000000000000, 0x0000000000000000), join(0x03ffeaab776e5356, 0xef9e31590057dd81),
    join(0x07ff556eea5d892a, 0x13bcebbb6ed46311), join(0x0bfdc0c2186d14fc, 0xf220e10d61df56ec),
    join(0x0ffaaddb967ef4e3, 0x6cb2792dc0e2e0d5), join(0x13f59f0e7c559d6b, 0x1338a177e11cd9bf),
    join(0x17ee182602f10e8c, 0x126acfcf099f06cf), join(0x1be39ebe6f07c37d, 0xee3ca681661cbb3e),
    join(0x1fd5ba9aac2f6dc6, 0x5912f313e7d111df), join(0x23c3f5f6086e4dc9, 0x6f4dd64a60e82be6),
    join(0x27adddd18cc4d8b0, 0xd1d8674940d83fa1), join(0x2b93023c7d84d3be, 0xad534ffbc30b7a65),
    join(0x2f72f6979cb6044d, 0x1ec2d3e207271d22), join(0x334d51d2d90c4c39, 0xec03cf68691bbacf),
    join(0x3721aea524c14408, 0xbd88697072d54bc1), join(0x3aefabbe40ae6ce3, 0x2468a9a2cbef5e3a),
    join(0x3eb6ebf25901bac5, 0x5b71e7bd7de885f9), join(0x4277165f618d8962, 0xe47390cb8655e9d1),
    join(0x462fd68c2fc5e098, 0x6523a458dfc414c7), join(0x49e0dc815fbd16f8, 0x8322c92037f0a23d),
    join(0x4d89dcdc1faf2f34, 0xe2d5da4c693d7994), join(0x512a90db0abc26a2, 0xa1bc3aa4c45c6cf2),
    join(0x54c2b6654735276d, 0x4cdbfbbdfbecf461), join(0x5852100c273f8658, 0xda8ea8ee100507e1),
    join(0x5bd86507937bc239, 0xc55190916e7f2242), join(0x5f55812d8ecfdd69, 0xc885c2b249a08813),
    join(0x62c934e5286c95b6, 0xd0ba3748fa85146f), join(0x6633551535ac619e, 0x6c988fd0a76cdbe2),
    join(0x6993bb0f308ff2db, 0x213e4af4800f389b), join(0x6cea44769971b1ae, 0x187b1ca504031a2f),
    join(0x7036d3253b27be33, 0xe318f6cb3cc65c02), join(0x73794d0cb04d425d, 0x305bbe70e536e164),
    join(0x76b19c1586ed3da2, 0xb7f222f65e1d4682), join(0x79dfadfc5d68d10e, 0x53dc1bf34356f9fd),
    join(0x7d03742d50505f2e, 0x33691e3eaee47661), join(0x801ce39e0d205c99, 0xa6d6c6c54d938596),
    join(0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1), join(0x8630a2dada1ed065, 0xd3e84ed5013ca37e),
    join(0x892aecdfde9547b5, 0x094478fc472b4afc), join(0x8c1ad445f3e09b8c, 0x439d801860205921),
    join(0x8f005d5ef7f59f9b, 0x5c835e1665c43748), join(0x91db8f1664f350e2, 0x10e4f9c1126e0220),
    join(0x94ac72c9847186f6, 0x18c4f393f78a32f9), join(0x97731420365e538b, 0xabd3fe19f1aeb6b3),
    join(0x9a2f80e671bdda20, 0x4226f8e2204ff3bd), join(0x9ce1c8e6a0b8cdb9, 0xf799c4e8174cf11c),
    join(0x9f89fdc4f4b7a1ec, 0xf8b492644f0701e0), join(0xa22832dbcadaae08, 0x92fe9c08637af0e6),
    join(0xa4bc7d1934f70924, 0x19a87f2a457dac9f), join(0xa746f2ddb7602294, 0x67b7d66f2d74e019),
    join(0xa9c7abdc4830f5c8, 0x916a84b5be7933f6), join(0xac3ec0fb997dd6a1, 0xa36273a56afa8ef4),
    join(0xaeac4c38b4d8c080, 0x14725e2f3e52070a), join(0xb110688aebdc6f6a, 0x43d65788b9f6a7b5),
    join(0xb36b31c91f043691, 0x590141744462f93a), join(0xb5bcc49059ecc4af, 0xf8f3cee75e3907d5),
    join(0xb8053e2bc2319e73, 0xcb2da55210a4443d), join(0xba44bc7dd470782f, 0x654c2cb10942e386),
    join(0xbc7b5deae98af280, 0xd4113006e80fb290), join(0xbea94144fd049aac, 0x1043c5e755282e7d),
    join(0xc0ce85b8ac526640, 0x89dd62c46e92fa25), join(0xc2eb4abb661628b5, 0xb373fe45c61bb9fb),
    join(0xc4ffaffabf8fbd54, 0x8cb43d10bc9e0221), join(0xc70bd54ce602ee13, 0xe7d54fbd09f2be38),
    join(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1),
};

} // namespace fixpoint::models::float80
