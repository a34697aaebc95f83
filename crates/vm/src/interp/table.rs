//! The internal operations, listed once. The order gives their numbers, which never leave the process.
//!
//! *Fast* operations have a body in [`super::ops`]. *Slow* ones are functions of [`crate::runtime`] that are called with
//! the registers written back; each is followed by an extension.

macro_rules! operations {
    ($callback:ident) => {
        $callback! {
            fast {
                finish mov konst konst_wide
                int_add int_sub int_mul int_add_k int_mul_k int_add_wrap int_sub_wrap int_mul_wrap
                int_div int_rem int_div_k int_rem_k int_neg int_abs int_min int_max
                int_and int_or int_xor int_and_k int_not int_shl int_shr int_shr_u int_shl_k int_shr_k int_shr_u_k
                count_ones leading_zeros trailing_zeros bool_not
                float_add float_sub float_mul float_div float_add_k float_sub_k float_rsub_k float_mul_k float_div_k
                float_rdiv_k
                float_add_add float_add_sub float_add_rsub float_add_mul float_add_div float_add_rdiv
                float_sub_add float_sub_sub float_sub_rsub float_sub_mul float_sub_div float_sub_rdiv
                float_mul_add float_mul_sub float_mul_rsub float_mul_mul float_mul_div float_mul_rdiv
                float_div_add float_div_sub float_div_rsub float_div_mul float_div_div float_div_rdiv
                field_float_add field_float_sub field_float_rsub
                field_float_mul field_float_div field_float_rdiv
                array_float_add array_float_sub array_float_rsub
                array_float_mul array_float_div array_float_rdiv
                float_neg float_abs float_min float_max float_sqrt float_rem float_unary float_binary
                int_to_float float_to_int float_bits
                int_lt int_le int_eq int_ne float_lt float_le float_eq float_ne word_same word_differs is_null
                jump jump_back
                jump_int_lt jump_int_le jump_int_eq jump_int_ne back_int_lt back_int_le back_int_eq back_int_ne
                jump_int_lt_k jump_int_ge_k jump_int_eq_k jump_int_ne_k
                back_int_lt_k back_int_ge_k back_int_eq_k back_int_ne_k
                back_int_step_lt back_int_step_le back_int_step_lt_k back_int_step_ge_k
                jump_float_lt jump_float_le jump_float_eq jump_float_ne jump_float_nlt jump_float_nle
                back_float_lt back_float_le back_float_eq back_float_ne back_float_nlt back_float_nle
                jump_float_lt_k jump_float_le_k jump_float_gt_k jump_float_ge_k
                jump_float_nlt_k jump_float_nle_k jump_float_ngt_k jump_float_nge_k
                back_float_lt_k back_float_le_k back_float_gt_k back_float_ge_k
                back_float_nlt_k back_float_nle_k back_float_ngt_k back_float_nge_k
                jump_true jump_false back_true back_false jump_null jump_some back_null back_some
                switch
                call_0 call_1 call_2 call_3 call_n tail_call ret ret_int_k ret_void ret_int_if_lt_k
                field_cast_int field_cast_object field_cast_sum list_get_cast_int list_get_cast_object list_get_cast_sum
                box_int box_float box_bool cast_int cast_float cast_bool cast_object cast_sum
                unwrap_int unwrap_float unwrap_bool unwrap_word
                new_words new_2 field set_field tag payload
                list_len array_len map_len text_len
                list_get list_set list_push list_pop
                array_get_8 array_get_byte array_get_i32 array_get_f32
                array_set_8 array_set_byte array_set_i32 array_set_f32 array_set_int_k array_set_byte_k
                byte_at builder_byte
                yield_now self_address random trap_now charge
                send_now send_int_now receive_now
            }
            slow {
                any_add any_sub any_mul any_div any_rem any_neg any_abs any_min any_max
                equal not_equal any_lt any_le any_gt any_ge compare
                show show_fixed show_int show_float show_bool parse_int parse_float
                function_value_call function_value_tail_call closure
                cast is_type make_some unwrap_nested
                new_mapped with_field
                concat slice find text_to_bytes bytes_to_text text_of_code code_at
                list_new list_grow list_insert list_remove list_truncate list_append list_copy list_slice
                map_new map_get map_set map_find map_get_or map_has map_remove map_slot map_next map_key_at map_value_at
                map_set_at set_add container_clear map_copy object_copy
                array_new array_fill array_slice array_copy copy_range
                builder_new builder_add builder_grow builder_int builder_code builder_finish builder_len
                call_host spawn spawn_with spawn_on no_cluster send try_send await_recv await_recv_until poll
                select_from select_peek select_peek_until select_take select_next
                remote_call await_reply reply deliver barrier_new barrier_wait wait
                link unlink monitor demonitor exit exit_other trap_exits
                register unregister whereis cluster_register cluster_unregister cluster_whereis
                group_join group_leave group_members nodes node_labels watch_nodes timer_start timer_cancel new_ref panic
                raise
            }
        }
    };
}
pub(crate) use operations;

macro_rules! define {
    (fast { $($fast:ident)* } slow { $($slow:ident)* }) => {
        /// An internal operation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types)]
        #[repr(u64)]
        pub(crate) enum Operation { $($fast,)* $($slow,)* }

        /// Every operation, in the order of the numbers.
        pub(crate) const OPERATIONS: &[Operation] = &[$(Operation::$fast,)* $(Operation::$slow,)*];
    };
}
operations!(define);
